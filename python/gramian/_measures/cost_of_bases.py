"""What bases of layers and products of bases take, for the families that compare by them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .cost import Cost, Shapes, Workload, svd_seconds, values_bytes, vectors_bytes

__all__ = ["Bases", "plan_spectral"]


class Bases(Workload):
    """Orthonormal bases of layers: r = min(n, p) columns of a layer of p features."""

    def rank(self, p: int) -> int:
        """Return the number of columns at most."""
        return min(self.n, p)

    def ranks(self, pairs: Shapes) -> Shapes:
        """Return the shapes of the products of bases."""
        return [(self.rank(p), self.rank(q)) for p, q in pairs]

    def kept(self, widths: Sequence[int], *, coordinates: bool = False) -> float:
        """Bytes of bases whose columns are formed: those of a condition above 8."""
        total = 0.0
        for p in widths:
            r = self.rank(p)
            more = (2 * r * r + (r * p if coordinates else 0)) if p < self.n else 0
            total += r * self.n + more
        return total * self.scalar

    def decomposing(self, p: int) -> float:
        """Bytes, besides its basis, of the decomposition of one layer in double: what takes most.

        Triangles of blocks of rows and their SVD; and for layers in float the columns, before they
        are rounded. Wide layers in float hardly ever need a triangle.
        """
        if p >= self.n and not self.double:
            return self.spectrum_of_rows(p)
        r, long = self.rank(p), max(self.n, p)
        block = max(4 * r, 1024)  # of rows, or of columns of a wide layer
        leaves = 2 * r * min(self.threads * block, long)
        triangles = 8 * (math.ceil(long / block) + 1) * r * r
        decomposing = triangles + max(8 * leaves, vectors_bytes(r, r, 8))
        if p >= self.n:
            return max(decomposing, self.spectrum_of_rows(p))
        if self.double:
            return decomposing
        columns = 8 * (self.n * r + 3 * r * r)
        # What is kept of the layer is made of the columns, at the end.
        orthonormal = columns + self.product_scratch([(r, r)], 8) - self.kept([p])
        return max(decomposing, columns, orthonormal)

    def spectrum_of_rows(self, p: int) -> float:
        """Bytes of the products of a wide layer's samples in double, and of their decomposition.

        Blocks of 1,024 columns are packed, and then scaled.
        """
        blocks = 8 * 2 * self.n * min(p, 1024)
        return 8 * self.n**2 + max(blocks, vectors_bytes(self.n, self.n, 8))

    def weighing(self, widths: Sequence[int]) -> float:
        """Bytes of the weights of PWCCA's variates on a wide layer, some columns at a time."""
        shapes = [(self.rank(p), min(p, 4096)) for p in widths if p >= self.n]
        scratch = self.product_scratch(shapes, self.scalar)
        return scratch + max((self.scalar * r * q for r, q in shapes), default=0)

    def coordinates(self, widths: Sequence[int]) -> float:
        """Bytes of the coordinates of those that are wide."""
        return sum(8.0 * self.n * self.n for p in widths if p > self.n)

    def finding_coordinates(self, widths: Sequence[int]) -> float:
        """Bytes, besides, while they are found, of one layer after the other."""
        return max((self.decomposing(p) for p in widths if p > self.n), default=0.0)

    def making(self, widths: Sequence[int]) -> float:
        """Bytes, besides those that are kept, while bases are made."""
        return max(self.decomposing(p) for p in widths)

    def comparing(self, *, vectors: bool = False) -> float:
        """Bytes, besides the bases, while pairs are compared."""
        rows = [self.ranks(row) for row in self.rows_of_others]
        scratch = max(self.product_scratch(row, self.scalar) for row in rows)
        return scratch + self.finishing_rows(vectors=vectors)

    def finishing_rows(self, *, vectors: bool = False) -> float:
        """Bytes of the products of a row of pairs, and of what follows from them."""
        finishing = 0.0
        for row in map(self.ranks, self.rows_of_others):
            most = sorted(self.finishing(r, s, vectors) for r, s in row)
            finishing = max(finishing, sum(most[-self.threads :]))
        return finishing + self.products_of_rows(
            [[*self.ranks(row)] for row in self.rows_of_others]
        )

    def finishing(self, r: int, s: int, vectors: bool) -> float:
        """Bytes of the singular values, or vectors, of one product of bases."""
        turned = 2 * r * s * self.scalar  # by the coefficients of both sides
        if vectors:
            return turned + vectors_bytes(r, s, self.scalar) + 16 * min(r, s) * max(r, s)
        return turned + values_bytes(r, s, self.scalar)

    def flops(self, widths: Sequence[int]) -> float:
        """Operations of the bases: two Gram matrices and a projection, or a QR in double."""
        return float(
            sum(
                3 * self.n * p * p if p < self.n else 2 * p * self.n**2 + 2 * self.n**3
                for p in widths
            )
        )

    def cost(
        self,
        path: str,
        memory: float,
        widths: Sequence[int],
        pairs: Shapes,
        *,
        vectors: bool = False,
        values: bool = True,
        in_double: bool = False,
        times: float = 1,
    ) -> Cost:
        """Return the estimate for bases of such layers and products of such pairs."""
        pairs = self.ranks(pairs)
        of_bases, of_pairs = self.flops(widths), sum(2 * self.n * r * s for r, s in pairs)
        seconds = self.seconds_of_flops(of_bases, 8 if in_double else self.scalar)
        seconds += self.seconds_of_flops(of_pairs, self.scalar)
        if values:
            seconds += sum(
                svd_seconds(min(pair), scalar=self.scalar, vectors=vectors) for pair in pairs
            )
        for p in widths:
            if in_double or p >= self.n:
                seconds += svd_seconds(self.rank(p), scalar=8, vectors=True)
        return Cost(
            path=path,
            space="features",
            dtype=self.dtype,
            flops=times * (of_bases + of_pairs),
            memory=memory,
            seconds=times * seconds / self.threads,
            threads=self.threads,
        )


def plan_spectral(w: Bases, components: int | None, path: str, *, narrow: bool) -> Cost:
    """Estimate what singular directions of the unscaled layers take: found in double.

    Those of layers in float have a condition at which no columns are formed, but for `narrow`
    ones, which are then multiplied in float.
    """
    orders = [w.rank(p) for p in w.widths]
    counts = [min(r, components or r) for r in orders]
    columns = sum(w.n * k for k in counts) * w.scalar if w.double or narrow else 0
    wide = sum(8 * w.n * r for r, p in zip(orders, w.widths, strict=True) if p >= w.n)
    triangles = [1.5 if p < w.n else 1 for p in w.widths]  # and work on them
    factors = 8 * sum(k * r * r for k, r in zip(triangles, orders, strict=True))
    found = 8 * sum(k * r for k, r in zip(counts, orders, strict=True))
    tall = [(p, p) for p in w.widths if p < w.n]
    splitting = sum(sorted(vectors_bytes(p, p, 8) for p, _ in tall)[-w.threads :])
    # While a layer is decomposed its own columns, where these are some, are not there yet.
    absent = 8 * w.n if narrow else 0
    making = [w.decomposing(p) - absent * k for p, k in zip(w.widths, counts, strict=True)]
    rounding = 0 if w.double or not narrow else max(8 * w.n * k for k in counts)
    kept = found + columns + wide
    scratch = 0 if w.double else w.product_scratch(tall, 8)  # Gram matrices
    wide_rows = max((w.spectrum_of_rows(p) for p in w.widths if p >= w.n), default=0)
    finishing = max(*(making if w.double else ()), rounding, w.finishing_rows())
    memory = scratch + max(factors + max(splitting, wide_rows), kept + finishing)
    memory += w.statistics
    return w.cost(path, memory, w.widths, w.pairs, in_double=True)
