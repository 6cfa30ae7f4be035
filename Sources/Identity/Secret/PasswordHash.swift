import COpenSSL

/// A password as it is stored: scrypt (RFC 7914), with all it takes to check it again in one text:
///
///     $scrypt$ln=15,r=8,p=3$<salt>$<hash>
///
/// `ln` is the logarithm of the cost N; salt and hash are base64url without padding. The form is that of PHC strings.
/// Passwords are compared as their UTF-8 stands: a front end that normalises must do so always.
public struct PasswordHash: Sendable, Equatable {
  /// What a hash costs: 128 · r · 2^ln bytes of memory, p times.
  public struct Parameters: Sendable, Equatable {
    public var costLog2: Int
    public var blockSize: Int
    public var parallelism: Int

    public init(costLog2: Int, blockSize: Int, parallelism: Int) {
      self.costLog2 = costLog2
      self.blockSize = blockSize
      self.parallelism = parallelism
    }

    /// 32 MiB, and about a fifth of a second: one of the equivalent choices of OWASP's password storage cheat sheet.
    public static let recommended = Parameters(costLog2: 15, blockSize: 8, parallelism: 3)

    /// Within these a stored text may ask for work; a file that somebody else wrote must not stop the server.
    var isAcceptable: Bool {
      (1...20).contains(costLog2) && (1...32).contains(blockSize) && (1...16).contains(parallelism)
        && memory <= PasswordHash.memoryBytesMax
    }

    var memory: Int { 128 * blockSize * (1 << costLog2) }

    func isWeaker(than other: Parameters) -> Bool {
      costLog2 < other.costLog2 || blockSize < other.blockSize || parallelism < other.parallelism
    }
  }

  public static let memoryBytesMax = 256 * 1024 * 1024
  /// Bytes of a password.
  public static let passwordBytesMax = 1024
  static let saltByteCount = 16
  static let hashByteCount = 32

  public let parameters: Parameters
  let salt: [UInt8]
  let hash: [UInt8]

  /// Makes the stored form of a new password.
  /// - Throws: `.tooLarge` for a password past its limit, `.malformed` for one with a zero byte, `.failed` if there is
  ///   no memory for it.
  public init(password: String, parameters: Parameters = .recommended) throws(KeyError) {
    self.parameters = parameters
    salt = try SecureRandom.bytes(PasswordHash.saltByteCount)
    hash = try PasswordHash.derive(password, salt, parameters, byteCount: PasswordHash.hashByteCount)
  }

  /// Reads a stored form.
  /// - Throws: `.malformed`, or `.tooLarge` for parameters that ask for more work than is ever done.
  public init(stored: String) throws(KeyError) {
    let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
    guard stored.utf8.count <= 512, parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt",
      let salt = Base64URL.decode(parts[3].utf8), let hash = Base64URL.decode(parts[4].utf8),
      let parameters = PasswordHash.parameters(parts[2]), (8...64).contains(salt.count), (16...64).contains(hash.count)
    else { throw KeyError(.malformed, "This is no stored password of the form $scrypt$ln=…,r=…,p=…$salt$hash.") }
    guard parameters.isAcceptable else { throw KeyError(.tooLarge, "The stored password asks for too much work.") }
    self.parameters = parameters
    self.salt = salt
    self.hash = hash
  }

  private static func parameters(_ text: Substring) -> Parameters? {
    var values: [Int] = []
    for (part, name) in zip(text.split(separator: ",", omittingEmptySubsequences: false), ["ln=", "r=", "p="]) {
      guard part.hasPrefix(name), part.utf8.count <= 6, let value = Int(part.dropFirst(name.count)), value > 0 else {
        return nil
      }
      values.append(value)
    }
    guard values.count == 3, text.filter({ $0 == "," }).count == 2 else { return nil }
    return Parameters(costLog2: values[0], blockSize: values[1], parallelism: values[2])
  }

  /// The text to store.
  public var stored: String {
    let p = parameters
    return "$scrypt$ln=\(p.costLog2),r=\(p.blockSize),p=\(p.parallelism)"
      + "$\(Base64URL.encode(salt))$\(Base64URL.encode(hash))"
  }

  /// Whether this is the password. Takes the parameters' time, and blocks its thread for as long.
  public func matches(_ password: String) -> Bool {
    guard let derived = try? PasswordHash.derive(password, salt, parameters, byteCount: hash.count) else {
      return false
    }
    return ConstantTime.equals(derived, hash)
  }

  /// Whether the password should be stored anew when it is known next time: after it has matched.
  public func isOutdated(against parameters: Parameters = .recommended) -> Bool {
    self.parameters.isWeaker(than: parameters) || salt.count < PasswordHash.saltByteCount
      || hash.count < PasswordHash.hashByteCount
  }

  /// A hash that no password has: checking it takes as long as checking one that exists, so that an answer's time does
  /// not tell which names exist.
  public static func decoy(_ parameters: Parameters = .recommended) throws(KeyError) -> PasswordHash {
    PasswordHash(
      parameters: parameters, salt: try SecureRandom.bytes(saltByteCount),
      hash: try SecureRandom.bytes(hashByteCount))
  }

  private init(parameters: Parameters, salt: [UInt8], hash: [UInt8]) {
    self.parameters = parameters
    self.salt = salt
    self.hash = hash
  }

  /// RFC 7914 §6.
  static func derive(
    _ password: String, _ salt: [UInt8], _ parameters: Parameters, byteCount: Int
  ) throws(KeyError) -> [UInt8] {
    let secret = Array(password.utf8)
    guard secret.count <= passwordBytesMax else {
      throw KeyError(.tooLarge, "A password has at most \(passwordBytesMax) bytes.")
    }
    // HMAC fills short keys up with zeros, so that a password and the same with zeros at its end would be one.
    guard !secret.contains(0) else { throw KeyError(.malformed, "A password has no zero bytes.") }
    guard parameters.isAcceptable else { throw KeyError(.tooLarge, "The parameters ask for too much work.") }
    var result = [UInt8](repeating: 0, count: byteCount)
    // RFC 7914 §2: V takes 128 r N bytes, B and the work space 128 r (p + 1) and a little more.
    let memory = UInt64(parameters.memory + 128 * parameters.blockSize * (parameters.parallelism + 4) + 1024)
    let isDerived = secret.withUnsafeBytes { bytes in
      EVP_PBE_scrypt(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, salt, salt.count,
        1 << UInt64(parameters.costLog2), UInt64(parameters.blockSize), UInt64(parameters.parallelism), memory,
        &result, byteCount) == 1
    }
    guard isDerived else { throw .failed() }
    return result
  }
}
