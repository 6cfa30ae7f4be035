extension ServerConfiguration {
  /// Keys about who comes from where. Lists are separated by commas or blanks.
  static let networkKeys = [
    "cors-origin", "cors-methods", "cors-headers", "cors-max-age-seconds", "cors-credentials", "trusted-proxy",
  ]

  mutating func setNetwork(_ key: String, _ value: String, line: Int) throws(ConfigurationError) {
    let list = value.split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
    switch key {
    case "cors-origin": cors.origins = list
    case "cors-methods": cors.methods = list
    case "cors-headers": cors.headers = list
    case "cors-max-age-seconds":
      guard let seconds = Int(value), (0...CORSConfiguration.maxAgeSecondsMax).contains(seconds) else {
        let most = CORSConfiguration.maxAgeSecondsMax
        throw ConfigurationError(line: line, message: "'\(key)' is a whole number from 0 to \(most)")
      }
      cors.maxAgeSeconds = seconds
    case "cors-credentials":
      guard value == "true" || value == "false" else {
        throw ConfigurationError(line: line, message: "'\(key)' is true or false")
      }
      cors.allowsCredentials = value == "true"
    default:
      trustedProxies = []
      for item in list {
        guard let range = AddressRange(item) else {
          throw ConfigurationError(
            line: line, message: "'\(item)' is no IP address or range of addresses as in 10.0.0.0/8")
        }
        trustedProxies.append(range)
      }
    }
  }
}
