import Base
import Glibc

/// The calls that put files on a disk. Tests give their own, which fail.
struct Disk: Sendable {
  /// Puts a file's bytes on the disk; 0, or the system's error.
  var syncFile: @Sendable (_ descriptor: Int32) -> Int32
  /// Puts a folder's entries on the disk; 0, or the system's error.
  var syncFolder: @Sendable (_ path: String) -> Int32

  static let system = Disk(
    syncFile: { fdatasync($0) == 0 ? 0 : errno },
    syncFolder: { path in
      let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { return errno }
      defer { _ = close(descriptor) }
      return fsync(descriptor) == 0 ? 0 : errno
    })
}

/// A folder whose entries many put on the disk at the same time: one sync serves everyone who came before it began.
final class SharedFolderSync: Sendable {
  private struct State {
    var asked = 0
    var synced = 0
    var isRunning = false
    var failure: Int32 = 0
  }

  private enum Turn {
    case done
    case failed(Int32)
    /// This caller syncs, for all who asked up to this.
    case sync(Int)
  }

  private let state = Monitor(State())
  private let path: String
  private let disk: Disk

  init(path: String, disk: Disk) {
    self.path = path
    self.disk = disk
  }

  /// Returns when what is in the folder now is on the disk. After one failure none succeeds.
  func sync() -> Int32 {
    let ticket = state.withLock { state in
      state.asked += 1
      return state.asked
    }
    let turn = state.wait { state -> Turn? in
      if state.failure != 0 { return .failed(state.failure) }
      if state.synced >= ticket { return .done }
      if state.isRunning { return nil }
      state.isRunning = true
      return .sync(state.asked)
    }
    switch turn {
    case .done: return 0
    case .failed(let code): return code
    case .sync(let upTo):
      let code = disk.syncFolder(path)
      state.withLock { state in
        state.isRunning = false
        if code == 0 { state.synced = max(state.synced, upTo) } else { state.failure = code }
      }
      state.broadcast()
      return code
    }
  }
}
