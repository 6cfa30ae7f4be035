internal import DICOMCore

extension StudyOptions.Modality {
  /// PS3.4 table B.5-1.
  var sopClassUID: UID {
    switch self {
    case .ct: "1.2.840.10008.5.1.4.1.1.2"
    case .mr: "1.2.840.10008.5.1.4.1.1.4"
    case .cr: "1.2.840.10008.5.1.4.1.1.1"
    case .us: "1.2.840.10008.5.1.4.1.1.3.1"
    }
  }
}

/// The modules of a series and of its images, by kind of image (PS3.3 A.2 to A.4, A.7).
struct SeriesAttributes {
  private let modality: StudyOptions.Modality
  private let studyProtocol: StudyProtocol
  private let geometry: SliceGeometry
  private let options: StudyOptions
  private let frameOfReferenceUID: UID

  init(
    _ modality: StudyOptions.Modality, _ studyProtocol: StudyProtocol, _ geometry: SliceGeometry,
    _ options: StudyOptions, _ frameOfReferenceUID: UID
  ) {
    self.modality = modality
    self.studyProtocol = studyProtocol
    self.geometry = geometry
    self.options = options
    self.frameOfReferenceUID = frameOfReferenceUID
  }

  func set(in list: inout AttributeList) {
    list.set("BodyPartExamined", studyProtocol.bodyPart)
    list.set("BurnedInAnnotation", "NO")
    list.set("LossyImageCompression", "00")
    list.set("AcquisitionNumber", "1")
    list.set("Rows", options.rows)
    list.set("Columns", options.columns)
    list.set("PixelRepresentation", 0)
    switch modality {
    case .ct: setCT(in: &list)
    case .mr: setMR(in: &list)
    case .cr: setCR(in: &list)
    case .us: setUS(in: &list)
    }
  }

  /// Image Pixel of one sample of 12 bits in 16 (PS3.3 C.7.6.3).
  private func setTwelveBits(in list: inout AttributeList) {
    list.set("SamplesPerPixel", 1)
    list.set("PhotometricInterpretation", "MONOCHROME2")
    list.set("BitsAllocated", 16)
    list.set("BitsStored", 12)
    list.set("HighBit", 11)
  }

  /// Frame of Reference and Image Plane (PS3.3 C.7.4.1, C.7.6.2).
  private func setPlane(in list: inout AttributeList) {
    list.set("FrameOfReferenceUID", frameOfReferenceUID)
    list.set("PositionReferenceIndicator", "SN")
    list.set("PatientPosition", "HFS")
    list.set("ImageOrientationPatient", geometry.orientation)
    list.set("ImagePositionPatient", geometry.position[0], geometry.position[1], geometry.position[2])
    list.set("PixelSpacing", geometry.rowSpacing, geometry.columnSpacing)
    list.set("SliceThickness", geometry.thickness)
    list.set("SpacingBetweenSlices", geometry.thickness)
    list.set("SliceLocation", geometry.location)
  }

  /// CT Image (PS3.3 C.8.2.1).
  private func setCT(in list: inout AttributeList) {
    setTwelveBits(in: &list)
    setPlane(in: &list)
    list.set(
      lines: #"""
        ImageType=ORIGINAL\PRIMARY\AXIAL
        SeriesDescription=Phantom axial
        ProtocolName=Phantom body
        ScanOptions=HELICAL MODE
        KVP=120
        DataCollectionDiameter=500
        ReconstructionDiameter=400
        DistanceSourceToDetector=949.147
        DistanceSourceToPatient=541
        GantryDetectorTilt=0
        TableHeight=151
        RotationDirection=CW
        ExposureTime=500
        XRayTubeCurrent=260
        Exposure=130
        FilterType=BODY FILTER
        GeneratorPower=31200
        FocalSpots=1.2
        ConvolutionKernel=STANDARD
        RescaleIntercept=-1024
        RescaleSlope=1
        RescaleType=HU
        WindowCenter=40\-600
        WindowWidth=400\1500
        WindowCenterWidthExplanation=BODY\LUNG
        """#)
    list.set("SingleCollimationWidth", .doubles([0.625]))
    list.set("TotalCollimationWidth", .doubles([40]))
    list.set("TableSpeed", .doubles([78.74]))
    list.set("SpiralPitchFactor", .doubles([0.984]))
  }

  /// MR Image (PS3.3 C.8.3.1).
  private func setMR(in list: inout AttributeList) {
    setTwelveBits(in: &list)
    setPlane(in: &list)
    let plane = "\(geometry.plane)"
    list.set("SeriesDescription", "Phantom \(plane)")
    list.set("ProtocolName", "Phantom \(plane)")
    list.set(
      lines: #"""
        ImageType=ORIGINAL\PRIMARY\OTHER
        ScanningSequence=SE
        SequenceVariant=SK
        ScanOptions=
        MRAcquisitionType=2D
        SequenceName=se2d1
        AngioFlag=N
        RepetitionTime=550
        EchoTime=12
        EchoTrainLength=1
        NumberOfAverages=1
        ImagingFrequency=63.87
        ImagedNucleus=1H
        EchoNumbers=1
        MagneticFieldStrength=1.5
        NumberOfPhaseEncodingSteps=256
        PercentSampling=100
        PercentPhaseFieldOfView=100
        PixelBandwidth=130
        ReconstructionDiameter=400
        TransmitCoilName=BODY
        InPlanePhaseEncodingDirection=ROW
        FlipAngle=90
        VariableFlipAngleFlag=N
        SAR=0.4
        dBdt=0
        WindowCenter=600
        WindowWidth=1200
        """#)
    list.set("AcquisitionMatrix", 0, 256, 256, 0)
  }

  /// CR Series and CR Image (PS3.3 C.8.1).
  private func setCR(in list: inout AttributeList) {
    setTwelveBits(in: &list)
    list.set(
      lines: #"""
        ImageType=ORIGINAL\PRIMARY
        SeriesDescription=Chest PA
        ViewPosition=PA
        PatientOrientation=L\F
        KVP=125
        PlateID=PLATE 1
        DistanceSourceToDetector=1800
        ExposureTime=8
        XRayTubeCurrent=250
        Exposure=2
        CassetteOrientation=PORTRAIT
        CassetteSize=35CMX43CM
        RelativeXRayExposure=250
        Sensitivity=200
        WindowCenter=1500
        WindowWidth=3000
        """#)
    list.set("ImagerPixelSpacing", geometry.rowSpacing, geometry.columnSpacing)
  }

  /// US Image, Cine and Multi-frame (PS3.3 C.8.5.6, C.7.6.5, C.7.6.6).
  private func setUS(in list: inout AttributeList) {
    list.set("SamplesPerPixel", 3)
    list.set("PhotometricInterpretation", "RGB")
    list.set("PlanarConfiguration", 0)
    list.set("BitsAllocated", 8)
    list.set("BitsStored", 8)
    list.set("HighBit", 7)
    list.set("NumberOfFrames", "\(options.frames)")
    list.set("FrameIncrementPointer", .tag(Tag(0x0018, 0x1063)))
    list.set("UltrasoundColorDataPresent", 1)
    list.set(
      lines: #"""
        ImageType=ORIGINAL\PRIMARY
        SeriesDescription=Four chambers, colour
        PatientOrientation=
        FrameTime=33.3
        RecommendedDisplayFrameRate=30
        CineRate=30
        HeartRate=62
        """#)
  }
}
