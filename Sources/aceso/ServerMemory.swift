import CMalloc

/// How the C library's allocator keeps memory for a server.
enum ServerMemory {
  /// Blocks up to this come from memory that is used again; it is the most that glibc takes.
  private static let reusedBytesMax: Int32 = 32 * 1024 * 1024
  /// Free memory at the end of a heap that is kept.
  private static let keptBytesMax: Int32 = 128 * 1024 * 1024

  /// By itself glibc gives what a large body took back to the system at once, and the next one pays for new pages:
  /// more than for what is done with it.
  static func keepWhatIsUsedAgain() {
    _ = mallopt(M_MMAP_THRESHOLD, reusedBytesMax)
    _ = mallopt(M_TRIM_THRESHOLD, keptBytesMax)
  }
}
