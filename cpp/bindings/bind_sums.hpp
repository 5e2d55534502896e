// Bindings of what is gathered of layers batch by batch, and of the triangle of a matrix.
#pragma once

#include <unistd.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../gramian/streaming/cross_sums.hpp"
#include "bind_prepare.hpp"

namespace gramian {

/// Sums on one device, of which one thread at a time has its turn.
template <class S, class D>
class GatheredSums {
 public:
  using Sums = CrossSums<D>;

  GatheredSums(const std::vector<Index>& widths, const std::vector<std::pair<Index, Index>>& pairs,
               bool norms, int on)
      : device{on} {
    std::vector<typename Sums::Pair> known;
    for (const auto& [x, y] : pairs) {
      if (std::min(x, y) < 0 || std::max(x, y) >= std::ssize(widths))
        throw std::invalid_argument("pairs must be of layers");
      known.push_back({x, y});
    }
    const OffTheGil off;
    D w = Home<D>::backend(device, {});
    sums_ = std::make_unique<Sums>(w, widths, std::move(known), norms);
  }
  GatheredSums(const GatheredSums&) = delete;
  GatheredSums& operator=(const GatheredSums&) = delete;
  ~GatheredSums() { Home<S>::let_go(device, std::move(sums_)); }

  const int device;

  Index samples() {
    return with_sums([](D&, Sums& sums) { return sums.samples(); });
  }

  void update(const GivenLayers<S>& layers, const std::vector<Floats>& squares, bool is_double,
              const Progress& progress) {
    check_alike(layers, [](const auto& layer) { return layer.source.rows; });
    if (layers.size() != squares.size() || layers.size() != sums_->layers().size())
      throw std::invalid_argument("a batch must have every layer, with its squares");
    for (std::size_t l = 0; l < layers.size(); ++l)
      if (layers[l]->source.cols != std::ssize(sums_->layers()[l].squares) ||
          squares[l].size() != layers[l]->source.cols || layers[l]->device != device)
        throw std::invalid_argument("a layer differs from what it was in the first batch");
    with_precision<S, D>(is_double, [&]<class B>(std::type_identity<B>) {
      const Control control = control_of(progress);
      change([&](D&, Sums& sums) {
        B b = Home<B>::backend(device, control);
        std::vector<BatchLayer<B>> batch;
        for (std::size_t l = 0; l < layers.size(); ++l)
          batch.push_back({read(b, *layers[l]),
                           layers[l]->means,
                           {squares[l].data(), static_cast<std::size_t>(squares[l].size())}});
        sums.update(b, batch);
      });
    });
  }

  void merge(GatheredSums& other) {
    if (this == &other || other.device != device)
      throw std::invalid_argument("sums must be others', on the same device");
    other.with_sums([](D&, Sums&) { return 0; });  // they are whole
    change([&](D& w, Sums& sums) {
      const std::lock_guard lock{other.mutex_};
      sums.merge(w, *other.sums_);
      w.release_inputs();  // the other's, which may go
    });
  }

  /// |XᵀY|² of every pair.
  py::array_t<double> squared_products() {
    const auto values = with_sums([](D& w, Sums& sums) {
      std::vector<double> found;
      for (const auto& pair : sums.sums()) found.push_back(w.dot(pair.product, pair.product));
      return found;
    });
    return py::array_t<double>(std::ssize(values), values.data());
  }

  /// The singular values of a product.
  py::array_t<double> singular_values(Index pair) {
    const auto copy = [&](D& w, Sums& sums) {
      return w.copy(sums.sums().at(static_cast<std::size_t>(pair)).product);
    };
    std::vector<double> values;
    if constexpr (Home<D>::may_be_left) {
      const auto product = std::make_shared<Matrix<D>>(with_sums(copy));
      values = without_the_gil<D>(is_long(product->rows, product->cols, 1), {},
                                  [product, on = device](const Control& control) {
                                    D w = Home<D>::backend(on, control);
                                    return w.singular_values(std::move(*product));
                                  });
    } else {
      values = with_sums([&](D& w, Sums& sums) { return w.singular_values(copy(w, sums)); });
    }
    return py::array_t<double>(std::ssize(values), values.data());
  }

  py::array_t<double> product(Index pair) {
    Index rows = 0, cols = 0;
    const auto values = with_sums([&](D& w, Sums& sums) {
      const auto& found = sums.sums().at(static_cast<std::size_t>(pair)).product;
      rows = found.rows, cols = found.cols;
      return w.download(found);
    });
    return array_of(values, rows, cols);
  }

  /// (Σ |x|²|y|², Σ |y|² x, Σ |x|² y) of a pair.
  py::tuple norms(Index pair) {
    const NormSums found = with_sums(
        [&](D&, Sums& sums) { return sums.sums().at(static_cast<std::size_t>(pair)).norms; });
    return py::make_tuple(found.fourth, array(found.of_x), array(found.of_y));
  }

  /// (scale, means, what they leave out, squares) of a layer, the last three in units of the scale.
  py::tuple layer(Index number) {
    const LayerSums found = with_sums(
        [&](D&, Sums& sums) { return sums.layers().at(static_cast<std::size_t>(number)); });
    return py::make_tuple(found.scale, array(found.means.high), array(found.means.low),
                          array(found.squares));
  }

  /// Puts back what was taken out by the functions above.
  void restore(Index samples, const std::vector<py::tuple>& layers,
               const std::vector<Floats>& products, const std::vector<py::tuple>& norms) {
    auto& own = sums_->layers();
    auto& pairs = sums_->sums();
    bool fits = layers.size() == own.size() && products.size() == pairs.size() && samples >= 0 &&
        (!sums_->with_norms() || norms.size() == pairs.size());
    for (std::size_t l = 0; fits && l < own.size(); ++l) {
      const auto values = [&](std::size_t part) {
        return layers[l][part].cast<std::vector<double>>();
      };
      LayerSums found;
      found.scale = layers[l][0].cast<double>();
      found.means = {values(1), values(2)};
      found.squares = values(3);
      fits = found.squares.size() == own[l].squares.size() &&
          found.means.high.size() == found.squares.size() &&
          found.means.low.size() == found.squares.size();
      if (fits) own[l] = std::move(found);
    }
    for (std::size_t k = 0; fits && k < pairs.size(); ++k) {
      const Matrix<D>& there = pairs[k].product;
      fits = products[k].ndim() == 2 && products[k].shape(0) == there.rows &&
          products[k].shape(1) == there.cols;
      if (!fits || !sums_->with_norms()) continue;
      NormSums found = pairs[k].norms;
      found.fourth = norms[k][0].cast<double>();
      found.of_x = norms[k][1].cast<std::vector<double>>();
      found.of_y = norms[k][2].cast<std::vector<double>>();
      fits = found.of_x.size() == pairs[k].norms.of_x.size() &&
          found.of_y.size() == pairs[k].norms.of_y.size();
      if (fits) pairs[k].norms = std::move(found);
    }
    if (!fits) throw std::invalid_argument("the state does not belong to these layers");
    change([&](D& w, Sums& sums) {
      for (std::size_t k = 0; k < pairs.size(); ++k) {
        const Matrix<D>& there = pairs[k].product;
        pairs[k].product =
            w.matrix({products[k].data(), static_cast<std::size_t>(products[k].size())}, there.rows,
                     there.cols);
      }
      sums.set_samples(samples);
    });
  }

 private:
  static py::array_t<double> array(const std::vector<double>& values) {
    return py::array_t<double>(std::ssize(values), values.data());
  }
  void check_whole() const {
    if (broken_)
      throw std::runtime_error(
          "a batch was interrupted, and its sums are not whole: reset the accumulator, or go on "
          "from a copy of it");
  }
  template <class Use>
  auto with_sums(const Use& use) {
    Home<S>::check_process(device);
    if (std::exchange(process_, generation()) !=
        generation())  // a thread of the parent may have it
      new (&mutex_) std::mutex;
    const OffTheGil off;
    const std::lock_guard lock{mutex_};
    check_whole();
    D w = Home<D>::backend(device, {});
    return use(w, *sums_);
  }
  /// What throws on its way leaves sums of no use.
  template <class Use>
  void change(const Use& use) {
    with_sums([&](D& w, Sums& sums) {
      broken_ = true;
      use(w, sums);
      broken_ = false;
      return 0;
    });
  }

  std::mutex mutex_;
  pid_t process_ = getpid();
  bool broken_ = false;
  std::unique_ptr<Sums> sums_;
};

/// R of the QR factorisation of a layer of more rows than columns, as it is: (p, p).
template <class S, class D>
py::array_t<double> bind_triangle(const std::shared_ptr<GivenLayer<S>>& layer) {
  const Source& source = layer->source;
  if (source.rows < source.cols)
    throw std::invalid_argument("a matrix must have at least as many rows as columns");
  Home<S>::check_process(layer->device);
  const bool may_be_long = is_long(source.rows, source.cols, 1);
  std::vector<double> values = without_the_gil<D>(may_be_long, {}, [=](const Control& control) {
    D w = Home<D>::backend(layer->device, control);
    const Layer<D> as_it_is = read(w, *layer, About::nothing);
    const std::vector<double> ones(static_cast<std::size_t>(layer->source.cols), 1.0);
    return w.download(w.triangle(as_it_is, ones));
  });
  for (double& value : values) value /= layer->element_scale;
  return array_of(values, source.cols, source.cols);
}

template <class S, class D>
void bind_sums(py::module_& m) {
  using Sums = GatheredSums<S, D>;
  const auto pair = py::arg("pair");
  py::class_<Sums, std::shared_ptr<Sums>>(m, "CrossSums", py::module_local())
      .def(py::init<const std::vector<Index>&, const std::vector<std::pair<Index, Index>>&, bool,
                    int>(),
           py::arg("widths"), py::kw_only(), py::arg("pairs"), py::arg("norms"), py::arg("device"))
      .def_property_readonly("n_samples", &Sums::samples)
      .def("update", &Sums::update, py::arg("layers"), py::kw_only(), py::arg("squares"),
           py::arg("double"), py::arg("progress") = py::none())
      .def("merge", &Sums::merge, py::arg("other"))
      .def("squared_products", &Sums::squared_products)
      .def("singular_values", &Sums::singular_values, pair)
      .def("product", &Sums::product, pair)
      .def("norms", &Sums::norms, pair)
      .def("layer", &Sums::layer, py::arg("number"))
      .def("restore", &Sums::restore, py::kw_only(), py::arg("n_samples"), py::arg("layers"),
           py::arg("products"), py::arg("norms"));
  m.def("triangle", &bind_triangle<S, D>, py::arg("layer"));
}

}  // namespace gramian
