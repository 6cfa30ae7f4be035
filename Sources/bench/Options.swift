/// What to measure and for how long, from the command line.
struct Options {
  static let usage = """
    bench PATH-TO-ACESO [--patients N] [--seconds S] [--connections N] [--quick] [--json FILE] [--record FILE]
      [--label TEXT]
    bench PATH-TO-ACESO --search-shapes [--sizes N,N] [--shapes NAME,NAME] [--data-folder DIR] [--seconds S]
      [--explain] [--record FILE] [--label TEXT]
    bench PATH-TO-ACESO --dicom [--million] [--seconds S] [--quick] [--record FILE] [--label TEXT]
    bench PATH-TO-ACESO --devices [--seconds S] [--quick] [--record FILE]
    bench static-server --port N --body FILE

    Starts a release build of aceso on a fresh folder, loads synthetic patients and measures. --quick: a smoke run
    of well under a minute. --json: a bundle to parse as well, as others write them. --record: writes the table into
    FILE between its bench marks and adds one line to its history. --label: what was measured (a commit), for that
    line.

    --search-shapes: measures searches instead, over stores of --sizes resources each (default: 100000,1000000), which
    it loads where they are missing; with --data-folder they are kept and used again, otherwise they are temporary.
    --shapes: only these, and those whose names begin so: "sort" means sort-first and sort-deep as well. --explain:
    prints how the server carried each out. --record: writes the table into FILE between its search-bench marks.

    --dicom: measures the DICOM service instead, beside Orthanc and nginx where they are installed. --million: searches
    over a million instances as well (some ten minutes, 10 GB on the disk). --record: writes the table into FILE between
    its dicom-bench marks.

    --devices: measures a device service instead. --record: writes the table into FILE between its device-bench marks.
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
  var measuresSearchShapes = false
  /// Resources of each store that searches are measured over, ascending.
  var sizes = [100_000, 1_000_000]
  /// Names of searches, or what they begin with; empty for all.
  var shapes: [String] = []
  var dataFolder: String?
  var explains = false
  var isQuick = false
  var measuresDICOM = false
  var measuresDevices = false
  var measuresMillion = false

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
    func list(of option: String) throws(Refusal) -> [String] {
      try value(of: option).split(separator: ",").map(String.init)
    }
    while let argument = rest.popFirst() {
      switch argument {
      case "--patients": patients = try number(of: argument, as: Int.self)
      case "--seconds": seconds = try number(of: argument, as: Double.self)
      case "--connections": readConnections = try number(of: argument, as: Int.self)
      case "--quick": (isQuick, patients, seconds, warmUpSeconds) = (true, 40, 1, 0.3)
      case "--dicom": measuresDICOM = true
      case "--devices": measuresDevices = true
      case "--million": measuresMillion = true
      case "--json": json = try value(of: argument)
      case "--record": record = try value(of: argument)
      case "--label": label = try value(of: argument)
      case "--search-shapes": measuresSearchShapes = true
      case "--sizes":
        sizes = try list(of: argument).map { text throws(Refusal) in
          guard let size = Int(text), size > 0 else { throw Refusal(text: "--sizes needs numbers, not \(text)") }
          return size
        }.sorted()
      case "--shapes": shapes = try list(of: argument)
      case "--data-folder": dataFolder = try value(of: argument)
      case "--explain": explains = true
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
