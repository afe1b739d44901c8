"""What a decision card says first: the headline, its conditions, the table, the questions, and what
is not measured. All of it follows from the card's lines and the study's table."""
