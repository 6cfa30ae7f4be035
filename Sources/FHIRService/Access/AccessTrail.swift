import Synchronization

/// What became of the entries of a bundle, each of which is an access of its own: for whoever keeps the audit.
public final class AccessTrail: Sendable {
  public struct Entry: Sendable {
    public let interaction: Interaction
    public let conditions: Conditions
    /// As HTTP has it.
    public let status: Int
  }

  private let kept = Mutex<(kind: String?, entries: [Entry])>((nil, []))

  public init() {}

  /// `batch` or `transaction`; nil as long as that is not known.
  public var kind: String? { kept.withLock { $0.kind } }
  public var entries: [Entry] { kept.withLock { $0.entries } }

  func begin(_ kind: String) { kept.withLock { $0.kind = kind } }

  func add(_ call: Call, _ status: Int) {
    kept.withLock {
      $0.entries.append(Entry(interaction: call.interaction, conditions: call.conditions, status: status))
    }
  }
}
