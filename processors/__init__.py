"""From topic to topic: pure steps, the sightings index, and their composition under Faust."""
