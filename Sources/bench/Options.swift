/// What to measure and for how long, from the command line.
struct Options {
  static let usage = """
    bench PATH-TO-ACESO [--patients N] [--seconds S] [--connections N] [--quick] [--json FILE] [--record FILE]
      [--label TEXT]
    bench static-server --port N --body FILE

    Starts a release build of aceso on a fresh folder, loads synthetic patients and measures. --quick: a smoke run
    of well under a minute. --json: a bundle to parse as well, as others write them. --record: writes the table into
    FILE between its bench marks and adds one line to its history. --label: what was measured (a commit), for that
    line.
    """

  var aceso = ""
  var patients = 300
  var seconds = 6.0
  var warmUpSeconds = 1.5
  var readConnections = 32
  var crudConnections = 64
  var loadConnections = 8
  var json: String?
  var record: String?
  var label = ""
  var staticServerPort: Int?
  var staticServerBody: String?

  struct Refusal: Error { let text: String }

  init(_ arguments: [String]) throws(Refusal) {
    var rest = arguments[...]
    func value(of option: String) throws(Refusal) -> String {
      guard let value = rest.popFirst() else { throw Refusal(text: "\(option) needs a value") }
      return value
    }
    func number<N: LosslessStringConvertible & Comparable & ExpressibleByIntegerLiteral>(
      of option: String, as type: N.Type
    ) throws(Refusal) -> N {
      let text = try value(of: option)
      guard let number = N(text), number > 0 else { throw Refusal(text: "\(option) needs a number, not \(text)") }
      return number
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--patients": patients = try number(of: argument, as: Int.self)
      case "--seconds": seconds = try number(of: argument, as: Double.self)
      case "--connections": readConnections = try number(of: argument, as: Int.self)
      case "--quick": (patients, seconds, warmUpSeconds) = (40, 1, 0.3)
      case "--json": json = try value(of: argument)
      case "--record": record = try value(of: argument)
      case "--label": label = try value(of: argument)
      case "--port": staticServerPort = try number(of: argument, as: Int.self)
      case "--body": staticServerBody = try value(of: argument)
      case "static-server": continue
      default:
        guard !argument.hasPrefix("-"), aceso.isEmpty else { throw Refusal(text: "unknown option \(argument)") }
        aceso = argument
      }
    }
    guard !aceso.isEmpty || staticServerPort != nil else { throw Refusal(text: "which aceso shall be measured?") }
  }
}
