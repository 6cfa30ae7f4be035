import Base
import CSQLite
import Glibc

/// What the figures were measured on.
enum Machine {
  static func description(label: String) -> String {
    let model = field("/proc/cpuinfo", "model name") ?? "unknown processor"
    let gibibytes = (field("/proc/meminfo", "MemTotal")?.split(separator: " ").first).flatMap { Double($0) } ?? 0
    return "\(today)\(label.isEmpty ? "" : ", \(label)"): \(model), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores, "
      + "\((gibibytes / 1_048_576).text(0)) GiB; Linux \(kernel); SQLite \(String(cString: sqlite3_libversion())); "
      + "client and server on the same machine."
  }

  static var today: String {
    let now = Clock.system.now().civil
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(now.year)-\(two(now.month))-\(two(now.day))"
  }

  /// Processor seconds that the whole machine has used so far.
  static var busySeconds: Double {
    // proc(5): user, nice, system, idle, iowait, irq, softirq, steal.
    let fields = SmallFile.text("/proc/stat").prefix { $0 != "\n" }.split(separator: " ").dropFirst()
    let ticks = fields.prefix(8).compactMap { Double($0) }
    guard ticks.count == 8 else { return 0 }
    return (ticks.reduce(0, +) - ticks[3] - ticks[4]) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// Processor seconds that this process has used so far.
  static var ownSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static var kernel: String {
    let text = SmallFile.text("/proc/sys/kernel/osrelease")
    return String(text.prefix { $0 != "\n" && $0 != "-" })
  }

  private static func field(_ path: String, _ name: String) -> String? {
    let line = SmallFile.text(path).split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: ":").dropFirst().first.map { String($0.drop { $0 == " " }) }
  }
}
