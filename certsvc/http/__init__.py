"""What the web sees. The only folder, with app.py, that knows litestar."""
