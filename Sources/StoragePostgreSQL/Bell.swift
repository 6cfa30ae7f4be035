import Glibc

/// Wakes a thread that sleeps on a socket: a pipe to itself.
final class Bell: Sendable {
  /// -1 where the system has no pipe to give: then nobody is woken before the time.
  private let reading: Int32
  private let ringing: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) == 0 {
      for end in ends {
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
      }
    }
    (reading, ringing) = (ends[0], ends[1])
  }

  deinit { for end in [reading, ringing] where end >= 0 { close(end) } }

  func ring() {
    var byte: UInt8 = 1
    _ = write(ringing, &byte, 1)
  }

  /// Sleeps until it is rung, something comes on the socket, or the time is over.
  func sleep(milliseconds: UInt64, _ socket: Int32?) {
    var places = [pollfd(fd: reading, events: Int16(POLLIN), revents: 0)]
    if let socket { places.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
    guard poll(&places, nfds_t(places.count), Int32(clamping: milliseconds)) > 0, places[0].revents != 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(reading, &bytes, bytes.count) == bytes.count {}
  }
}
