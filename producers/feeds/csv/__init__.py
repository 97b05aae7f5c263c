"""The standard reporting template for industry: a table with one row a content item."""
