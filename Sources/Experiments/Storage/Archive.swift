import TensorEngine

/// Named tensors and attributes: what an HDF5 file holds.
public struct Archive: Sendable {
    /// A tensor's elements in row-major order.
    public struct Entry: Sendable, Hashable {
        public let dtype: DType
        public let shape: Shape
        public let bytes: [UInt8]

        /// - Precondition: there are as many bytes as elements of that type need.
        public init(dtype: DType, shape: Shape, bytes: [UInt8]) {
            precondition(
                bytes.count == shape.count * dtype.byteCount,
                "\(bytes.count) bytes cannot be \(dtype) \(shape)")
            self.dtype = dtype
            self.shape = shape
            self.bytes = bytes
        }
    }

    /// A value that stands beside tensors.
    public enum Attribute: Sendable, Hashable {
        case text(String)
        case integer(Int)
        case number(Double)
    }

    /// By path, such as `levels/w1/parameters/stem.convolution.weight`.
    public private(set) var tensors: [String: Entry] = [:]
    /// By the path of their group and their own name: `levels/w1/optimizer/steps`.
    public private(set) var attributes: [String: Attribute] = [:]

    public init() {}

    /// The tensor at a path.
    public subscript(path: String) -> Entry? {
        get { tensors[path] }
        set { tensors[path] = newValue }
    }

    /// The attribute at a path.
    public subscript(attribute path: String) -> Attribute? {
        get { attributes[path] }
        set { attributes[path] = newValue }
    }

    /// Adds the elements of a tensor.
    ///
    /// - Throws: what the tensor's backend throws.
    public mutating func store(_ tensor: Tensor, at path: String) throws {
        tensors[path] = Entry(
            dtype: tensor.dtype, shape: tensor.shape,
            bytes: try [UInt8](unsafeUninitializedCapacity: tensor.count * tensor.dtype.byteCount) {
                try tensor.backend.download(tensor, into: UnsafeMutableRawBufferPointer($0))
                $1 = tensor.count * tensor.dtype.byteCount
            })
    }

    /// The tensor at a path.
    ///
    /// - Throws: `ArchiveError` if there is none, or it has another shape or type.
    public func tensor(_ path: String, _ shape: Shape, _ dtype: DType, on backend: any Backend) throws
        -> Tensor
    {
        guard let entry = tensors[path] else { throw ArchiveError("there is no '\(path)'") }
        guard entry.shape == shape, entry.dtype == dtype else {
            throw ArchiveError(
                "'\(path)' is \(entry.dtype) \(entry.shape), expected \(dtype) \(shape): it belongs to another "
                    + "experiment")
        }
        return try entry.bytes.withUnsafeBytes { try backend.upload($0, shape, dtype) }
    }

    /// - Throws: `ArchiveError` if there is no such attribute, or it is no integer.
    public func integer(_ path: String) throws -> Int {
        guard case .integer(let value) = attributes[path] else {
            throw ArchiveError("there is no integer attribute '\(path)'")
        }
        return value
    }

    /// - Throws: `ArchiveError` if there is no such attribute, or it is no text.
    public func text(_ path: String) throws -> String {
        guard case .text(let value) = attributes[path] else {
            throw ArchiveError("there is no text attribute '\(path)'")
        }
        return value
    }
}

/// What is wrong with an archive's contents.
public struct ArchiveError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
