import CPostgreSQL
import Glibc
import Storage

/// What libpq is told to connect, made anew for each connection: the password may have changed.
struct ConnectionParameters {
  private(set) var values: [String: String]
  private static let passwordBytesMax = 4_096
  private static let hostKeys = ["host", "hostaddr", "port"]

  init(_ configuration: PostgreSQLConfiguration) throws(StorageError) {
    values = try Self.parse(configuration.connection)
    if let password = try Self.password(configuration) { values["password"] = password }
    add("application_name", configuration.applicationName)
    // A server that was demoted to a standby is not ours any more; with several hosts the primary is looked for.
    add("target_session_attrs", configuration.session.rawValue)
    // A host that went away without a word is noticed within seconds, not hours.
    add("keepalives_idle", "10")
    add("keepalives_interval", "5")
    add("keepalives_count", "3")
    add("tcp_user_timeout", "20000")
    values["client_encoding"] = "UTF8"
  }

  private mutating func add(_ name: String, _ value: String) {
    if values[name] == nil { values[name] = value }
  }

  static func parse(_ text: String) throws(StorageError) -> [String: String] {
    var message: UnsafeMutablePointer<CChar>?
    guard let options = PQconninfoParse(text, &message) else {
      // The message may quote the string, which may hold a password.
      PQfreemem(message)
      throw StorageError(.misuse, detail: "the connection string cannot be read")
    }
    defer { PQconninfoFree(options) }
    var values: [String: String] = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    return values
  }

  private static func password(_ configuration: PostgreSQLConfiguration) throws(StorageError) -> String? {
    if let variable = configuration.passwordVariable {
      guard let value = getenv(variable) else {
        throw StorageError(.misuse, detail: "the environment variable \(variable) with the password is not set")
      }
      return String(cString: value)
    }
    guard let path = configuration.passwordFile else { return nil }
    guard let file = fopen(path, "re") else {
      throw StorageError(.misuse, engineCode: errno, detail: "cannot read the password file \(path)")
    }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: passwordBytesMax)
    let count = fread(&line, 1, line.count, file)
    let password = line[..<count].prefix { $0 != 10 && $0 != 13 && $0 != 0 }
    guard !password.isEmpty else {
      throw StorageError(.misuse, detail: "the password file \(path) begins with an empty line")
    }
    return String(decoding: password, as: UTF8.self)
  }

  /// How many hosts are named.
  var hostCount: Int { max(1, Self.list(values["host"]).count, Self.list(values["hostaddr"]).count) }

  /// Begins to connect to one of the hosts. (libpq would try one after the other, but waits for a host that does not
  /// answer at all until we give up.)
  func start(host: Int) -> OpaquePointer? {
    var values = values
    if hostCount > 1 {
      for key in Self.hostKeys {
        let items = Self.list(values[key])
        // One port is every host's.
        let item = items.count == 1 ? items[0] : items.indices.contains(host) ? items[host] : ""
        values[key] = item.isEmpty ? nil : item
      }
    }
    let pairs = values.sorted { $0.key < $1.key }
    let names = pairs.map { strdup($0.key) }
    let texts = pairs.map { strdup($0.value) }
    defer { for text in names + texts { free(text) } }
    let keywords = names.map { UnsafePointer($0) } + [nil]
    let contents = texts.map { UnsafePointer($0) } + [nil]
    return PQconnectStartParams(keywords, contents, 0)
  }

  private static func list(_ text: String?) -> [String] {
    guard let text, !text.isEmpty else { return [] }
    return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}
