"""The Model Context Protocol: the API's reads for assistants, over HTTP and on stdio."""
