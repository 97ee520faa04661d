"""The codes of a report: the standard ones, and ours where there is none; docs/adr/0004-structured-report.md."""

from pydicom.sr.coding import Code

PNEUMONIA = Code("233604007", "SCT", "Pneumonia")
LUNG = Code("39607008", "SCT", "Lung")
CHEST_RADIOGRAPHY = Code("399208008", "SCT", "Plain chest X-ray")
CERTAINTY_OF_FINDING = Code("111012", "DCM", "Certainty of Finding")
OPERATING_POINT = Code("111081", "DCM", "CAD Operating Point Description")
COMMENT = Code("121106", "DCM", "Comment")
FINDING_CONTEXT = Code("408729009", "SCT", "Finding context")
SUSPECTED = Code("415684004", "SCT", "Suspected")
NOT_SUSPECTED = Code("428263003", "SCT", "NOT suspected")
PERCENT = Code("%", "UCUM", "Percent")

PRIVATE_SCHEME = "99PNEUMOSCOPE"
DECISION_THRESHOLD = Code("THRESHOLD", PRIVATE_SCHEME, "Decision threshold on Certainty of Finding")
REPORTED = Code("REPORTED", PRIVATE_SCHEME, "Probability that a radiology report names pneumonia")
DECIDED_BY = Code("DECIDED_BY", PRIVATE_SCHEME, "Decided by")
BY_THRESHOLD = Code("BY_THRESHOLD", PRIVATE_SCHEME, "Threshold")
BY_PERSON = Code("BY_PERSON", PRIVATE_SCHEME, "Uncertain: a person decides")

IMAGING_REPORT = Code("18748-4", "LN", "Diagnostic imaging report")
DETECTIONS = Code("111064", "DCM", "Summary of Detections")
NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")
FAILED = Code("111224", "DCM", "Failed")
ALGORITHM_NAME = Code("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = Code("111003", "DCM", "Algorithm Version")
