import Base
import Glibc

/// What the process uses, under the names Prometheus gives to every process.
struct ProcessSamples {
  /// Seconds since 1970.
  let start: Double

  init(clock: Clock) { start = Double(clock.now().milliseconds) / 1_000 }

  var samples: [MetricSample] {
    var samples = [
      MetricSample(
        "process_cpu_seconds_total", .counter, "User and system CPU time.", Self.processorSeconds),
      MetricSample("process_start_time_seconds", .gauge, "Start of the server, since 1970.", start),
    ]
    if let resident = Self.residentBytes {
      samples.append(
        MetricSample("process_resident_memory_bytes", .gauge, "Memory in RAM.", Double(resident)))
    }
    return samples
  }

  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// The second number of `/proc/self/statm`, in pages (proc(5)).
  private static var residentBytes: Int? {
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return nil }
    let numbers = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
    guard numbers.count > 1, let pages = Int(numbers[1]) else { return nil }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
