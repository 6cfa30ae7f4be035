public import JSONQuery

/// Where mappings may be read otherwise than existing services read them. As it is made, everything that is stored is
/// the same byte for byte; each setting mends one thing that users of those services had to live with.
public struct MappingSettings: Sendable, Equatable {
  // Normalization
  /// Numbers keep the digits they are written with; otherwise they go through a double, so that 98.60 becomes 98.6.
  public var preservesNumbers = false
  /// A text that looks like a date stays as it is written; otherwise 2019-02-01T22:46:01Z as a device, patient or
  /// correlation id or as a value becomes 02/01/2019 22:46:01.
  public var preservesDates = false
  /// `divide` of two whole numbers drops the remainder.
  public var dividesIntegersWhole = true
  /// A failure in one template leaves the other templates' measurements; otherwise the message ends at the first
  /// failure, and only what stands before it is measured.
  public var isolatesTemplates = false
  /// Where times without a zone are from.
  public var timestampZone = DeviceZone.utc
  /// A measurement later than its arrival by more seconds is refused; nil: none is.
  public var futureSecondsMax: Int?
  /// A measurement earlier than its arrival by more seconds is refused; nil: none is.
  public var pastSecondsMax: Int?

  // Observations
  /// Whose hours and days an hourly or daily Observation is of.
  public var windowZone = DeviceZone.utc
  /// Identifiers of instants have their fraction of a second, so that two samples in one second are two Observations.
  public var identifiesFractions = false
  /// Stored samples keep their times when a mapping's period changes or an Observation's beginning moves; otherwise
  /// they are read in the period of the mapping of today.
  public var keepsSampleTimes = false
  /// An Observation of an instant has `effectiveDateTime` in place of a period without length.
  public var writesInstants = false

  // Limits
  /// Templates of one mapping.
  public var templatesMax = 1_000
  /// Measurements of one message.
  public var measurementsMax = 10_000
  /// Values of one SampledData.
  public var samplesMax = 2_000_000
  /// What one expression may cost.
  public var query = JSONQueryLimits()

  public init() {}
}
