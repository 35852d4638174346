#include "worker/recommend/item_index.h"

// The vector code of hnswlib prefetches an address that it reads from beyond the end of a list.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <algorithm>

namespace zhiyin::worker::recommend {
namespace {

bool IsBetter(const ScoredItem& a, const ScoredItem& b) {
  return a.score != b.score ? a.score > b.score : a.item < b.item;
}

class Scan final : public ItemIndex {
 public:
  explicit Scan(const Matrix& items) : items_(items) {}

  std::vector<ScoredItem> Best(const float* user, size_t n, const std::vector<bool>& excluded,
                               size_t) const override {
    constexpr Eigen::Index kRows = 2048;  // scores that stay in the nearest cache
    const Eigen::Map<const Eigen::VectorXf> vector(user, items_.cols());
    Eigen::VectorXf scores;
    std::vector<ScoredItem> best;  // a heap with the worst in front, once it has n items
    if (n == 0) return best;
    for (Eigen::Index begin = 0; begin < items_.rows(); begin += kRows) {
      const Eigen::Index n_rows = std::min(kRows, items_.rows() - begin);
      scores.noalias() = items_.middleRows(begin, n_rows) * vector;
      for (Eigen::Index i = 0; i < n_rows; ++i) {
        const ScoredItem here = {static_cast<int>(begin + i), scores[i]};
        if (best.size() == n && !IsBetter(here, best.front())) continue;
        if (!excluded.empty() && excluded[static_cast<size_t>(here.item)]) continue;
        if (best.size() == n) {
          std::pop_heap(best.begin(), best.end(), IsBetter);
          best.back() = here;
        } else {
          best.push_back(here);
        }
        std::push_heap(best.begin(), best.end(), IsBetter);
      }
    }
    std::sort_heap(best.begin(), best.end(), IsBetter);
    return best;
  }

 private:
  const Matrix& items_;
};

/// Distances for the graph: the larger the product, the smaller the distance.
class Products final : public hnswlib::SpaceInterface<float> {
 public:
  explicit Products(size_t dim) : dim_(dim) {}
  size_t get_data_size() override { return dim_ * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return Distance; }
  void* get_dist_func_param() override { return &dim_; }

 private:
  static float Distance(const void* a, const void* b, const void* dim) {
    const auto n = static_cast<Eigen::Index>(*static_cast<const size_t*>(dim));
    return 1 - ConstVectorView(static_cast<const float*>(a), n)
                   .dot(ConstVectorView(static_cast<const float*>(b), n));
  }

  size_t dim_;
};

class Hnsw final : public HnswIndex {
 public:
  Hnsw(const Matrix& items, const HnswOptions& options)
      : items_(items),
        space_(static_cast<size_t>(items.cols())),
        graph_(&space_, std::max<size_t>(static_cast<size_t>(items.rows()), 1),
               static_cast<size_t>(options.links), static_cast<size_t>(options.build_width)) {
    Hnsw::SetSearchWidth(options.search_width);
    // One thread: several would build another graph each time, draw levels from one generator
    // without a lock, and lock two items in either order.
    for (Eigen::Index i = 0; i < items.rows(); ++i)
      graph_.addPoint(items.row(i).data(), static_cast<size_t>(i));
  }

  std::vector<ScoredItem> Best(const float* user, size_t n, const std::vector<bool>& excluded,
                               size_t n_excluded) const override {
    const Eigen::Map<const Eigen::RowVectorXf> vector(user, items_.cols());
    std::vector<ScoredItem> best;
    const size_t n_wanted = std::min(n + n_excluded, static_cast<size_t>(items_.rows()));
    if (n == 0 || n_wanted == 0) return best;
    for (auto found = graph_.searchKnn(user, n_wanted); !found.empty(); found.pop()) {
      const int item = static_cast<int>(found.top().second);
      if (excluded.empty() || !excluded[static_cast<size_t>(item)])
        best.push_back({item, items_.row(item).dot(vector)});
    }
    std::sort(best.begin(), best.end(), IsBetter);
    best.resize(std::min(best.size(), n));
    return best;
  }

  void SetSearchWidth(int width) override { graph_.setEf(static_cast<size_t>(width)); }

 private:
  const Matrix& items_;
  Products space_;
  hnswlib::HierarchicalNSW<float> graph_;
};

}  // namespace

std::unique_ptr<ItemIndex> MakeScan(const Matrix& items) {
  return std::make_unique<Scan>(items);
}

std::unique_ptr<HnswIndex> MakeHnsw(const Matrix& items, const HnswOptions& options) {
  return std::make_unique<Hnsw>(items, options);
}

}  // namespace zhiyin::worker::recommend
