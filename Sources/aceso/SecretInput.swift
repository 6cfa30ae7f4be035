import Glibc

/// Reads what must not be seen: from the terminal without showing it, or the first line of standard input. Never from
/// an argument, which everyone sees who may list processes.
enum SecretInput {
  private static let bytesMax = 1024

  /// A new password: asked for twice at a terminal.
  static func newPassword(for name: String) throws -> String {
    guard isatty(0) == 1 else { return try checked(line()) }
    let first = try checked(ask("Password for \(name): "))
    guard try ask("The same again: ") == first else { throw CommandError("the two passwords differ") }
    return first
  }

  private static func checked(_ password: String) throws -> String {
    guard password.unicodeScalars.count >= 8 else {
      throw CommandError("a password has at least 8 characters")
    }
    return password
  }

  private static func ask(_ prompt: String) throws -> String {
    Terminal.write(prompt, to: 2)
    var shown = termios()
    tcgetattr(0, &shown)
    var hidden = shown
    hidden.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(0, TCSAFLUSH, &hidden)
    defer {
      tcsetattr(0, TCSAFLUSH, &shown)
      Terminal.write("\n", to: 2)
    }
    return try line()
  }

  private static func line() throws -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while bytes.count <= bytesMax {
      let count = read(0, &byte, 1)
      if count < 0, errno == EINTR { continue }
      guard count == 1, byte != UInt8(ascii: "\n") else { break }
      bytes.append(byte)
    }
    if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard bytes.count <= bytesMax, let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandError("a password is UTF-8 text of at most \(bytesMax) bytes")
    }
    guard !text.isEmpty else { throw CommandError("no password was given on standard input") }
    return text
  }
}
