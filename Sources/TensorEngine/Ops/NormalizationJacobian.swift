/// The Jacobian J of x̂ = (x − μ)·r at a point x, which is symmetric, and its derivative: what the second
/// derivative of a normalisation is made of. Cotangents and results have the shape of x, [..., C].
///
/// By batch statistics, r = 1/√(σ² + ε), and with means over the n rows of a channel
///
///     J g = r·(g − mean(g)) − r³·mean(g·(x − μ))·(x − μ).
///
/// By given moments μ and r are constants, and J g = r·g.
struct NormalizationJacobian {
    let x: Tensor
    /// μ and r, [C].
    let mean, factor: Tensor
    let usesBatch: Bool

    /// A cotangent with its means by channel, of itself and of its product with x − μ.
    struct Projected {
        let tensor: Tensor
        /// By given moments nothing depends on them.
        let means: (own: Tensor, product: Tensor)?
    }

    func projected(_ g: Tensor) throws -> Projected {
        guard usesBatch else { return Projected(tensor: g, means: nil) }
        let (sum, product) = try g.backend.channelSums(g, x, mean: mean)
        let share = 1 / Double(x.shape.rows)
        return Projected(tensor: g, means: (try sum * share, try product * share))
    }

    /// x̂.
    func normalized() throws -> ChannelTerms {
        ChannelTerms([x], [factor], try (factor * mean).negated())
    }

    /// J g.
    func product(_ g: Projected) throws -> ChannelTerms {
        guard let means = g.means else { return ChannelTerms([g.tensor], [factor]) }
        let ofX = try (cubed * means.product).negated()
        return ChannelTerms(
            [g.tensor, x], [factor, ofX], try (factor * means.own + ofX * mean).negated())
    }

    /// S = Σ u·(J g) = n·Σ_c (r·cov(g, u) − r³·a·b), a = mean(g·(x − μ)), b = mean(u·(x − μ)), and
    /// dS/dx = −r³·(b·(g − mean(g)) + a·(u − mean(u))) + (3r⁵·a·b − r³·cov(g, u))·(x − μ), where it is not 0.
    func pairing(_ g: Projected, _ u: Projected) throws -> (value: Tensor, gradient: ChannelTerms?) {
        guard let ofG = g.means, let ofU = u.means else {
            let products = try g.tensor.backend.channelSums(
                g.tensor, u.tensor, mean: mean.filled(with: 0)
            ).product
            return (try (factor * products).sum(), nil)
        }
        let rows = Double(x.shape.rows)
        let covariance =
            try g.tensor.backend.channelSums(
                g.tensor, u.tensor, mean: ofU.own
            ).product * (1 / rows)
        let cubed = try cubed
        let both = try ofG.product * ofU.product
        let scales = [
            try (cubed * ofU.product).negated(), try (cubed * ofG.product).negated(),
            try cubed * (factor.squared() * both * 3 - covariance),
        ]
        let shift = try (scales[0] * ofG.own + scales[1] * ofU.own + scales[2] * mean).negated()
        return (
            try (factor * covariance - cubed * both).sum() * rows,
            ChannelTerms([g.tensor, u.tensor, x], scales, shift)
        )
    }

    private var cubed: Tensor { get throws { try factor * factor.squared() } }
}

/// Σ_k scales[k]·tensors[k] + shift, scales and shift [C], not yet added up.
struct ChannelTerms {
    private var tensors: [Tensor]
    private var scales: [Tensor]
    private var shift: Tensor?

    init(_ tensors: [Tensor] = [], _ scales: [Tensor] = [], _ shift: Tensor? = nil) {
        (self.tensors, self.scales, self.shift) = (tensors, scales, shift)
    }

    /// Adds other terms, times a scalar where one is given.
    mutating func add(_ other: ChannelTerms, times factor: Tensor? = nil) throws {
        func scaled(_ tensor: Tensor) throws -> Tensor { try factor.map { try tensor * $0 } ?? tensor }
        tensors += other.tensors
        scales += try other.scales.map(scaled)
        guard let more = try other.shift.map(scaled) else { return }
        shift = try shift.map { try $0 + more } ?? more
    }

    /// In one pass over all tensors; `nil` where there are none.
    func sum() throws -> Tensor? {
        try tensors.first?.backend.channelAffineSum(tensors, scales: scales, shift: shift)
    }
}
