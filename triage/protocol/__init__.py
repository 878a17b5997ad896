"""Mail for the agency's register of documents (*protocollo*): its metadata, and the files that the register takes."""
