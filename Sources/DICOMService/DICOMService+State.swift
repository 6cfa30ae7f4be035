import DICOMStore

extension DICOMService {
  /// False once the store takes no writes any more.
  public var isWritable: Bool { store.isWritable }

  /// False while the store's database is away.
  public var isReachable: Bool { store.isReachable }
}
