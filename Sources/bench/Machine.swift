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

  private static var kernel: String {
    let text = SmallFile.text("/proc/sys/kernel/osrelease")
    return String(text.prefix { $0 != "\n" && $0 != "-" })
  }

  private static func field(_ path: String, _ name: String) -> String? {
    let line = SmallFile.text(path).split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: ":").dropFirst().first.map { String($0.drop { $0 == " " }) }
  }
}
