import CTurboJPEG

/// Decodes a JPEG file by TurboJPEG.
final class JPEGDecoder: PictureDecoder {
    private let file: ImageFile
    private let handle: tjhandle
    private(set) var size: (height: Int, width: Int) = (0, 0)
    private var colorspace: Int32 = 0

    /// - Throws: `DatasetError` if the header is damaged.
    init(_ file: ImageFile) throws {
        self.file = file
        guard let handle = tjInitDecompress() else {
            throw DatasetError(file.path, "TurboJPEG cannot start: \(String(cString: tjGetErrorStr2(nil)))")
        }
        self.handle = handle
        var (width, height, subsampling): (Int32, Int32, Int32) = (0, 0, 0)
        let status = tjDecompressHeader3(
            handle, file.bytes, UInt(file.bytes.count), &width, &height, &subsampling, &colorspace)
        try check(status)
        size = (Int(height), Int(width))
    }

    deinit { tjDestroy(handle) }

    func decoded(channels: Int, atLeast least: (height: Int, width: Int)) throws -> PixelImage {
        try file.requirePixels(size)
        let size = scaled(toAtLeast: least)
        let isCMYK = colorspace == TJCS_CMYK.rawValue || colorspace == TJCS_YCCK.rawValue
        let format = isCMYK ? TJPF_CMYK : channels == 1 ? TJPF_GRAY : TJPF_RGB
        let samples = isCMYK ? 4 : channels
        let pixels = try [UInt8](unsafeUninitializedCapacity: size.height * size.width * samples) {
            buffer, filled in
            let status = tjDecompress2(
                handle, file.bytes, UInt(file.bytes.count), buffer.baseAddress, Int32(size.width),
                Int32(size.width * samples), Int32(size.height), format.rawValue, TJFLAG_LIMITSCANS)
            filled = size.height * size.width * samples
            try check(status)
        }
        return PixelImage(
            height: size.height, width: size.width, channels: channels,
            pixels: isCMYK ? Self.fromInvertedCMYK(pixels, channels: channels) : pixels)
    }

    /// The least size that TurboJPEG can decode to, and that is at least as large as asked for both ways.
    private func scaled(toAtLeast least: (height: Int, width: Int)) -> (height: Int, width: Int) {
        var count: Int32 = 0
        guard let factors = tjGetScalingFactors(&count) else { return size }
        func scaled(_ extent: Int, _ factor: tjscalingfactor) -> Int {
            (extent * Int(factor.num) + Int(factor.denom) - 1) / Int(factor.denom)
        }
        return UnsafeBufferPointer(start: factors, count: Int(count))
            .filter { $0.num <= $0.denom }
            .map { (height: scaled(size.height, $0), width: scaled(size.width, $0)) }
            .filter { $0.height >= least.height && $0.width >= least.width }
            .min { $0.height * $0.width < $1.height * $1.width } ?? size
    }

    private static func fromInvertedCMYK(_ pixels: [UInt8], channels: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count / 4 * channels)
        for start in stride(from: 0, to: pixels.count, by: 4) {
            let light = pixels[start + 3]
            let color = (0..<3).map { light - product(255 - pixels[start + $0], light) }
            if channels == 1 { result.append(luma(color[0], color[1], color[2])) } else { result += color }
        }
        return result
    }

    /// What decodes with a warning is half an image, except where no more is wrong than superfluous bytes.
    private func check(_ status: Int32) throws {
        guard status != 0 else { return }
        let message = String(cString: tjGetErrorStr2(handle))
        let isHarmless = message.contains("extraneous bytes") || message.contains("Invalid SOS parameters")
        if tjGetErrorCode(handle) == TJERR_WARNING.rawValue && isHarmless { return }
        throw file.damage(message)
    }
}
