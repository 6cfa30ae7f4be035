import COpenSSL

/// Why a key cannot be read, made or used. Neither form holds any part of the key.
public struct KeyError: Error, Sendable, Equatable {
  public enum Code: String, Sendable {
    /// Not the form that was expected: JSON, JWK or PEM.
    case malformed
    /// A type of key, a curve or an algorithm that is not used here.
    case unsupported
    /// Too short, or with parameters that make it unsafe.
    case weak
    /// Numbers that are no key: a point that is not on its curve, for example.
    case invalid
    /// The key is not for this algorithm or use.
    case mismatch
    /// More than the limits allow.
    case tooLarge
    /// libcrypto could not do it.
    case failed
  }

  public let code: Code
  /// For whoever configured the key.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The error of a call into libcrypto, whose own queue of errors is emptied.
  static func failed(_ message: String = "The cryptographic library refused the operation.") -> KeyError {
    ERR_clear_error()
    return KeyError(.failed, message)
  }

  /// A key whose numbers libcrypto refuses.
  static func invalid(_ message: String) -> KeyError {
    ERR_clear_error()
    return KeyError(.invalid, message)
  }
}

extension KeyError: CustomStringConvertible {
  /// The code alone: safe to log.
  public var description: String { "KeyError(\(code.rawValue))" }
}
