public import DeviceMapping

/// What a device service's owner chooses.
public struct DeviceConfiguration: Sendable {
  /// How Device, Patient and Encounter are found for a message.
  public enum Resolution: String, Sendable, CaseIterable {
    /// Devices and patients that are not there are made.
    case create = "Create"
    /// The Device must be there, and name its patient.
    case lookup = "Lookup"
    /// As `lookup`, and the message must name an Encounter that is there.
    case lookupWithEncounter = "LookupWithEncounter"

    /// Reads a name, whose case does not matter.
    public init?(name: some StringProtocol) {
      guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() }) else {
        return nil
      }
      self = found
    }
  }

  public var resolution = Resolution.create
  /// The system of the identifiers by which Devices are found and made; nil for identifiers without one.
  public var deviceIdentifierSystem: String?
  /// Where mappings are read otherwise than existing services read them.
  public var mapping = MappingSettings()
  public var limits = DeviceLimits()

  public init() {}
}

/// Every limit of a device service on what a stranger controls.
public struct DeviceLimits: Sendable, Equatable {
  /// One message, with what came with it; as Event Hubs has it.
  public var messageBytesMax = 1 << 20
  /// Messages of one request.
  public var requestMessagesMax = 10_000
  /// Messages whose Observations are one commit.
  public var batchMessagesMax = 5_000
  public var batchBytesMax = 8 << 20
  /// After a pause, messages wait so long for others to share their commit.
  public var lingerMilliseconds = 100
  /// Messages that wait to be worked through; past it no more are taken, until they are.
  public var backlogMessagesMax: Int64 = 5_000_000
  /// Messages stay in the log so long after they were worked through.
  public var retentionDays = 7
  /// Devices whose identity is remembered.
  public var identitiesMax = 50_000
  /// Messages that one debugging request works through.
  public var debugMessagesMax = 100
  /// Quarantined messages of one answer.
  public var quarantinePageMax = 1_000

  public init() {}
}
