import CPostgreSQL
import Storage

extension Connection {
  /// The socket; nil without a connection.
  var descriptor: Int32? { handle.map { PQsocket($0) } }

  /// Tells the other processes, when the transaction is committed.
  func announce(_ topic: String) throws {
    try query("SELECT pg_notify(\(Node.channel), \(node.name + topic))") { _ in true }
  }

  /// What other processes announced since the last call. Does not wait.
  func announcements() throws(StorageError) -> [String] {
    guard let handle else { throw .unreachable("no connection") }
    guard PQconsumeInput(handle) == 1 else { throw lost("the server ended the connection") }
    var topics: [String] = []
    while let notice = PQnotifies(handle) {
      defer { PQfreemem(notice) }
      guard let text = notice.pointee.extra.map({ String(cString: $0) }), !text.hasPrefix(node.name) else { continue }
      topics.append(String(text.dropFirst(node.name.utf8.count)))
    }
    return topics
  }
}
