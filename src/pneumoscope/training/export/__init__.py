"""From runs to the artefact: members put together, calibrated and limited on films that they have not seen, sealed."""
