"""End-of-line data as plants export them: any delimiter, decimal mark, layout and language become one table."""
