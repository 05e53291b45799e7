"""The desk: takes what strangers write, and shows a whole proof to who has its six characters."""
