import Glibc
import Server
import Workspace

/// `aceso.yaml`
struct DeclarationFile {
  let path: String

  /// What it declares; `${NAME}` is of this process's environment, and `file:` paths are beside the file.
  func workspaces() throws -> Workspaces {
    let text = try DataFolder.text(path)
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let references = References(
      variable: { name in getenv(name).map { String(cString: $0) } },
      file: { try? DataFolder.text($0.hasPrefix("/") ? $0 : folder + $0) })
    do throws(ConfigurationError) {
      return try Workspaces(yaml: text, file: path, references: references)
    } catch {
      throw CommandError("\(error)")
    }
  }
}

/// The file with the administration's key.
struct AdminKeyFile {
  let path: String

  /// Its first line.
  func key() throws -> String {
    let key = String(try DataFolder.text(path).prefix { !$0.isNewline })
    guard key.utf8.count >= Administration.keyBytesMin, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw CommandError(
        "\(path): the administration's key is \(Administration.keyBytesMin) characters or more, without blanks: "
          + "openssl rand -hex 32")
    }
    return key
  }
}
