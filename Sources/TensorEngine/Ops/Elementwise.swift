extension Tensor {
    public static func + (a: Tensor, b: Tensor) throws -> Tensor {
        try binary("add", .add, a, b) { context in
            try (0...1).map {
                context.wants($0) ? try context.cotangent.summed(to: context.inputShape($0)) : nil
            }
        }
    }

    public static func - (a: Tensor, b: Tensor) throws -> Tensor {
        try binary("subtract", .subtract, a, b) { context in
            let g = context.cotangent
            return [
                context.wants(0) ? try g.summed(to: context.inputShape(0)) : nil,
                context.wants(1) ? try g.summed(to: context.inputShape(1)).negated() : nil,
            ]
        }
    }

    public static func * (a: Tensor, b: Tensor) throws -> Tensor {
        try binary("multiply", .multiply, a, b, savingInputs: [0, 1]) { context in
            let g = context.cotangent
            return [
                context.wants(0) ? try (g * context.input(1)).summed(to: context.inputShape(0)) : nil,
                context.wants(1) ? try (g * context.input(0)).summed(to: context.inputShape(1)) : nil,
            ]
        }
    }

    public static func / (a: Tensor, b: Tensor) throws -> Tensor {
        try binary("divide", .divide, a, b, savingInputs: [0, 1]) { context in
            let scaled = try context.cotangent / context.input(1)
            return [
                context.wants(0) ? try scaled.summed(to: context.inputShape(0)) : nil,
                context.wants(1)
                    ? try (scaled * context.input(0) / context.input(1)).negated()
                        .summed(to: context.inputShape(1)) : nil,
            ]
        }
    }

    public static func + (a: Tensor, b: Double) throws -> Tensor { try a.affine("add", 1, b) }
    public static func - (a: Tensor, b: Double) throws -> Tensor { try a.affine("subtract", 1, -b) }
    public static func * (a: Tensor, b: Double) throws -> Tensor { try a.affine("multiply", b) }
    public static func / (a: Tensor, b: Double) throws -> Tensor { try a / a.constant(b) }
    public static func + (a: Double, b: Tensor) throws -> Tensor { try b + a }
    public static func - (a: Double, b: Tensor) throws -> Tensor { try b.affine("subtract", -1, a) }
    public static func * (a: Double, b: Tensor) throws -> Tensor { try b * a }
    public static func / (a: Double, b: Tensor) throws -> Tensor { try b.constant(a) / b }
    public static prefix func - (a: Tensor) throws -> Tensor { try a.negated() }

    /// The larger of two; where they are equal the gradient goes to the second.
    public static func maximum(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try choice("maximum", .maximum, a, b) { try comparison("greater", .greater, $0, $1) }
    }

    /// The smaller of two; where they are equal the gradient goes to the second.
    public static func minimum(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try choice("minimum", .minimum, a, b) { try comparison("greater", .greater, $1, $0) }
    }

    /// 1 where a > b, else 0; a constant.
    public static func greater(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try comparison("greater", .greater, a, b)
    }

    /// 1 where a = b, else 0; a constant.
    public static func equal(_ a: Tensor, _ b: Tensor) throws -> Tensor {
        try comparison("equal", .equal, a, b)
    }

    /// The tensor where `condition` > 0, else 0. Linear in the tensor; constant in the condition.
    public func masked(where condition: Tensor) throws -> Tensor {
        try Tensor.binary("mask", .mask, self, condition, savingInputs: [1]) { context in
            [
                try context.cotangent.masked(where: context.input(1).detached)
                    .summed(to: context.inputShape(0)), nil,
            ]
        }
    }

    public func negated() throws -> Tensor {
        try unary("negate", .negate) { try $0.cotangent.negated() }
    }

    public func exp() throws -> Tensor {
        try unary("exp", .exp, savingOutput: true) { try $0.cotangent * $0.output() }
    }

    public func log() throws -> Tensor {
        try unary("log", .log, savingInput: true) { try $0.cotangent / $0.input(0) }
    }

    public func squareRoot() throws -> Tensor {
        try unary("sqrt", .sqrt, savingOutput: true) { try $0.cotangent * 0.5 / $0.output() }
    }

    public func reciprocalSquareRoot() throws -> Tensor {
        try unary("rsqrt", .rsqrt, savingOutput: true) { context in
            let y = context.output()
            return try context.cotangent * (y * y.squared()) * -0.5
        }
    }

    public func reciprocal() throws -> Tensor {
        try unary("reciprocal", .reciprocal, savingOutput: true) {
            try ($0.cotangent * $0.output().squared()).negated()
        }
    }

    public func squared() throws -> Tensor {
        try unary("square", .square, savingInput: true) { try $0.cotangent * $0.input(0) * 2 }
    }

    public func tanh() throws -> Tensor {
        try unary("tanh", .tanh, savingOutput: true) { try $0.cotangent * (1 - $0.output().squared()) }
    }

    public func sigmoid() throws -> Tensor {
        try unary("sigmoid", .sigmoid, savingOutput: true) { context in
            let y = context.output()
            return try context.cotangent * y * (1 - y)
        }
    }

    /// log(1 + eˣ), without overflow.
    public func softplus() throws -> Tensor {
        try unary("softplus", .softplus, savingInput: true) { try $0.cotangent * $0.input(0).sigmoid() }
    }

    /// max(x, 0); the gradient at 0 is 0.
    public func relu() throws -> Tensor {
        try unary("relu", .relu, savingOutput: true) { try $0.cotangent.masked(where: $0.output()) }
    }

    /// x where positive, slope·x elsewhere.
    public func leakyRelu(slope: Double) throws -> Tensor {
        try relu() * (1 - slope) + self * slope
    }

    public func abs() throws -> Tensor {
        try unary("abs", .abs, savingInput: true) { context in
            let x = context.input(0)
            return try context.cotangent * x.backend.unary(.sign, x.detached)
        }
    }

    // MARK: -

    private func unary(
        _ name: String, _ operation: UnaryOperation, savingInput: Bool = false, savingOutput: Bool = false,
        rule: @escaping @Sendable (Backward) throws -> Tensor
    ) throws -> Tensor {
        try require(dtype.isFloatingPoint, name, "the operand is \(dtype), expected floating point")
        return record(
            name, [self], try backend.unary(operation, self), savingInputs: savingInput ? [0] : [],
            savingOutputs: savingOutput
        ) { [try rule($0)] }
    }

    /// scale·x + shift; −0 is the shift that changes nothing, not even the sign of 0.
    private func affine(_ name: String, _ scale: Double, _ shift: Double = -0.0) throws -> Tensor {
        try require(dtype.isFloatingPoint, name, "the operand is \(dtype), expected floating point")
        return record(name, [self], try backend.affine(self, scale: scale, shift: shift)) {
            [scale == 1 ? $0.cotangent : try $0.cotangent * scale]
        }
    }

    private static func binary(
        _ name: String, _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor, savingInputs: [Int] = [],
        rule: @escaping GradientRule
    ) throws -> Tensor {
        let shape = try broadcastShape(name, a, b)
        return record(
            name, [a, b], try a.backend.binary(operation, a, b, shape), savingInputs: savingInputs, rule: rule
        )
    }

    private static func choice(
        _ name: String, _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor,
        first: @escaping @Sendable (Tensor, Tensor) throws -> Tensor
    ) throws -> Tensor {
        try binary(name, operation, a, b, savingInputs: [0, 1]) { context in
            let mask = try first(context.input(0).detached, context.input(1).detached)
            let toFirst = try context.cotangent * mask
            return [
                try toFirst.summed(to: context.inputShape(0)),
                try (context.cotangent - toFirst).summed(to: context.inputShape(1)),
            ]
        }
    }

    private static func comparison(
        _ name: String, _ operation: BinaryOperation, _ a: Tensor, _ b: Tensor
    ) throws -> Tensor {
        let shape = try broadcastShape(name, a, b)
        return try a.backend.binary(operation, a.detached, b.detached, shape)
    }

    private static func broadcastShape(_ name: String, _ a: Tensor, _ b: Tensor) throws -> Shape {
        try require(
            a.dtype == b.dtype && a.dtype.isFloatingPoint, name,
            "operands are \(a.dtype) and \(b.dtype), expected one floating-point type")
        try requireOneBackend(name, a, b)
        guard let shape = Shape.broadcast(a.shape, b.shape) else {
            throw TensorError(
                name, "shapes \(a.shape) and \(b.shape) do not broadcast; expected equal extents or 1")
        }
        return shape
    }
}
