/// What statements were to the engine, besides the rows that they gave.
public struct Work: Sendable, Hashable {
  /// Steps of the engine's machine. SQLite: instructions of its virtual machine (SQLITE_STMTSTATUS_VM_STEP), some five
  /// to twenty for each index entry that is visited; what its full-text index does inside is not among them.
  public var steps: Int

  public init(steps: Int = 0) { self.steps = steps }
}
