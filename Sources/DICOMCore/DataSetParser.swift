/// Reads the structure of a data set into records (PS3.5 §7), with a stack of its own instead of recursion.
///
/// It can be given the bytes in pieces: `parse` returns false when it needs more, and goes on where it stopped. Values
/// that are not needed for the structure are passed over without being looked at, so a mapped file's pixel data is
/// never read, and a stream need not keep it.
struct DataSetParser {
  enum FrameKind { case dataSet, sequence, fragments }

  /// A data set, sequence or list of fragments that is open.
  struct Frame {
    var kind: FrameKind
    var record: Int
    /// Where it ends, `Int.max` for an undefined length.
    var end: Int
    var isImplicit: Bool
    var isBigEndian: Bool
    // Of data sets:
    var characterSet: UInt8 = 0
    var lastTag: UInt32 = 0
    var hasElements = false
    /// (0028,0103) of this data set.
    var pixelRepresentation: UInt8?
    /// Records with VR "US or SS" that wait for a pixel representation.
    var undecided: [Int] = []
    /// Creators by (gggg,00bb), with what the private dictionary has of them.
    var creators: [(tag: Tag, number: Range<Int>?)] = []
  }

  static let undefined: UInt32 = 0xFFFF_FFFF
  private static let characterSetsMax = 64

  let limits: DICOMLimits
  /// Only elements of this group are read; the first other one ends the data set.
  let onlyGroup: UInt16?
  private(set) var records: [DataSetTape.Record] = []
  private(set) var characterSets: [SpecificCharacterSet] = [.default]
  /// By the bytes of (0008,0005).
  private var characterSetNumbers: [[UInt8]: UInt8] = [:]
  var tolerances: Tolerances
  var frames: [Frame] = []
  /// Bytes from the start of the source; may be past `end` while a value is passed over.
  var position: Int
  /// The first byte that is not there yet.
  private(set) var end: Int
  private(set) var isComplete = false
  /// Where byte 0 would be. Valid during `parse` only, which sets it anew: so a parser may go to another thread between
  /// two calls.
  private nonisolated(unsafe) var origin: UnsafeRawPointer
  private var itemDepth = 0
  /// Set when a header cannot be told without bytes that are not there yet.
  var needsMoreBytes = false

  init(
    at position: Int, encoding: TransferSyntax.Encoding, limits: DICOMLimits, onlyGroup: UInt16? = nil,
    characterSet: SpecificCharacterSet? = nil
  ) {
    self.limits = limits
    self.onlyGroup = onlyGroup
    self.position = position
    tolerances = Tolerances(limit: limits.tolerancesMax)
    end = position
    origin = UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
    if let characterSet { characterSets.append(characterSet) }
    let root = characterSet == nil ? UInt8(0) : 1
    var flags: DataSetTape.Flags = .item
    if encoding.isImplicit { flags.insert(.implicit) }
    if encoding.isBigEndian { flags.insert(.bigEndian) }
    records.reserveCapacity(256)
    records.append(
      DataSetTape.Record(
        tag: Tag(0), code: root, header: 0, flags: flags, offset: position, length: 0, next: 1, parent: 0))
    var frame = Frame(
      kind: .dataSet, record: 0, end: .max, isImplicit: encoding.isImplicit, isBigEndian: encoding.isBigEndian)
    frame.characterSet = root
    frames.append(frame)
  }

  /// Parses what is there of the data set.
  /// - Parameters:
  ///   - window: the bytes from `start` on; must reach back to `position`, and must live until the call returns.
  ///   - isComplete: whether nothing follows the window.
  /// - Returns: true when the data set has ended.
  mutating func parse(_ window: UnsafeRawBufferPointer, from start: Int, isComplete: Bool) throws(DICOMError) -> Bool {
    end = start + window.count
    self.isComplete = isComplete
    guard let base = window.baseAddress else {
      if isComplete { finish() }
      return isComplete
    }
    origin = base - start
    while !frames.isEmpty {
      let top = frames.count - 1
      if position >= frames[top].end {
        closeFrame(at: frames[top].end)
        continue
      }
      let goesOn =
        switch frames[top].kind {
        case .dataSet: try parseElement()
        case .sequence: try parseItem()
        case .fragments: try parseFragment()
        }
      if !goesOn {
        guard isComplete else { return false }
        finish()
      }
    }
    return true
  }

  // MARK: Bytes

  @inline(__always)
  func byte(_ offset: Int) -> UInt8 { origin.load(fromByteOffset: offset, as: UInt8.self) }

  @inline(__always)
  func uint16(_ offset: Int, _ isBigEndian: Bool) -> UInt16 {
    let value = origin.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isBigEndian ? UInt16(bigEndian: value) : UInt16(littleEndian: value)
  }

  @inline(__always)
  func uint32(_ offset: Int, _ isBigEndian: Bool) -> UInt32 {
    let value = origin.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isBigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
  }

  @inline(__always)
  func tag(_ offset: Int, _ isBigEndian: Bool) -> Tag {
    Tag(uint16(offset, isBigEndian), uint16(offset + 2, isBigEndian))
  }

  /// Bytes of a value that is all there.
  func bytes(_ offset: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: origin + offset, count: count)
  }

  @inline(__always)
  func has(_ count: Int) -> Bool { position <= end && count <= end - position }

  // MARK: Records and frames

  @inline(__always)
  mutating func append(_ record: DataSetTape.Record) throws(DICOMError) {
    guard records.count <= limits.elementsMax else { throw DICOMError(.tooManyElements, tag: record.tag, at: position) }
    records.append(record)
  }

  mutating func update(_ index: Int, _ change: (inout DataSetTape.Record) -> Void) { change(&records[index]) }

  /// Opens an item: the data set in it.
  mutating func openItem(
    header: Int, length: UInt32, isBigEndian: Bool, parent: Frame
  ) throws(DICOMError) {
    itemDepth += 1
    guard itemDepth <= limits.sequenceDepthMax else { throw DICOMError(.tooDeep, tag: .item, at: position) }
    let isUndefined = length == Self.undefined
    var flags: DataSetTape.Flags = isUndefined ? [.item, .undefinedLength] : .item
    if isBigEndian { flags.insert(.bigEndian) }
    if parent.isImplicit { flags.insert(.implicit) }
    let start = position + header
    let number = records.count
    try append(
      DataSetTape.Record(
        tag: .item, code: parent.characterSet, header: UInt8(truncatingIfNeeded: header), flags: flags, offset: start,
        length: 0, next: UInt32(number + 1), parent: UInt32(parent.record)))
    let itemEnd = isUndefined ? .max : reach(start + Int(length), tag: .item)
    var frame = Frame(
      kind: .dataSet, record: number, end: itemEnd, isImplicit: parent.isImplicit, isBigEndian: isBigEndian)
    frame.characterSet = parent.characterSet
    frames.append(frame)
    position = start
  }

  /// Where a value or item ends that says it ends at `valueEnd`: there, or with the item it is in.
  ///
  /// If it says it ends later than an open item of defined length, one of the two lengths is wrong. The item's is
  /// believed if what follows the item looks like a data element; else the item is taken to be longer.
  @inline(__always)
  mutating func reach(_ valueEnd: Int, tag: Tag) -> Int {
    guard frames.count > 1 else { return valueEnd }
    let frameEnd = frames[frames.count - 1].end
    return frameEnd != .max && valueEnd <= frameEnd ? valueEnd : reachSlowly(valueEnd, tag: tag)
  }

  private mutating func reachSlowly(_ valueEnd: Int, tag: Tag) -> Int {
    guard let inner = frames.lastIndex(where: { $0.end < valueEnd }) else { return valueEnd }
    tolerances.note(.valueBeyondItem, tag: tag, at: position)
    let itemEnd = frames[inner].end
    let isTruncated = isComplete && valueEnd > end && itemEnd <= end
    if isTruncated || itemEnd > position && looksLikeElement(at: itemEnd, after: Tag(0), in: frames[inner]) == true {
      return max(itemEnd, position)
    }
    for index in frames.indices where frames[index].end < valueEnd { frames[index].end = valueEnd }
    return valueEnd
  }

  mutating func closeFrame(at frameEnd: Int) {
    guard let frame = frames.popLast() else { return }
    let count = UInt32(truncatingIfNeeded: records.count)
    records[frame.record].next = count
    records[frame.record].length = max(0, frameEnd - records[frame.record].offset)
    guard frame.kind == .dataSet else { return }
    if frame.record != 0 { itemDepth -= 1 }
    settle(frame)
  }

  /// Decides "US or SS" by the pixel representation of this data set or of the nearest around it (PS3.3 C.7.6.3.1).
  private mutating func settle(_ frame: Frame) {
    guard !frame.undecided.isEmpty else { return }
    if let representation = frame.pixelRepresentation {
      if representation == 1 {
        for index in frame.undecided { records[index].code = VR.SS.rawValue }
      }
    } else if let outer = frames.lastIndex(where: { $0.kind == .dataSet }) {
      frames[outer].undecided += frame.undecided
    }
  }

  /// Makes a value of (0008,0005) the character set of a data set.
  mutating func noteCharacterSet(_ value: UnsafeRawBufferPointer, at offset: Int, in frame: Int) {
    let key = Array(value)
    var number = characterSetNumbers[key]
    if number == nil, characterSets.count < Self.characterSetsMax {
      number = UInt8(characterSets.count)
      characterSets.append(SpecificCharacterSet(value: value))
      characterSetNumbers[key] = number
    }
    // More different ones than there are terms: the rest is read as the first.
    let chosen = number ?? 0
    for fault in characterSets[Int(chosen)].faults { tolerances.note(fault, tag: .specificCharacterSet, at: offset) }
    frames[frame].characterSet = chosen
    records[frames[frame].record].code = chosen
  }

  /// The bytes have ended: closes all that is open, and notes what is missing.
  mutating func finish() {
    if position > end, let last = records.indices.last {
      // Fragments and values are cut; containers are closed below.
      tolerances.note(.truncatedValue, tag: records[last].tag, at: records[last].offset)
      if records[last].next == UInt32(records.count), frames.last?.record != last {
        records[last].length = max(0, end - records[last].offset)
      }
      position = end
    } else if frames.count == 1, position < end, onlyGroup == nil {
      tolerances.note(.trailingBytes, at: position)
    }
    while let frame = frames.last {
      if frame.record != 0 {
        let record = records[frame.record]
        let kind: Tolerance.Kind = frame.end == .max ? .missingDelimiter : .truncatedValue
        tolerances.note(kind, tag: record.tag, at: record.offset)
      }
      closeFrame(at: min(position, frame.end))
    }
  }

  /// Ends the data set here, whatever follows.
  mutating func stop() {
    while !frames.isEmpty { closeFrame(at: position) }
  }
}
