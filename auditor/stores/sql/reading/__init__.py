"""Reading the code that puts queries together, whatever mapper it uses."""
