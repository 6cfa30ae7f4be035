import DICOMCore

/// Swift Testing has a `Tag` as well.
typealias Tag = DICOMCore.Tag
