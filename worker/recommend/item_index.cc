#include "worker/recommend/item_index.h"

// The vector code of hnswlib prefetches an address that it reads from beyond the end of a list.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>

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

/// The bytes of row i of a matrix.
std::string_view BytesOfItem(const Matrix& items, Eigen::Index i) {
  return {reinterpret_cast<const char*>(items.row(i).data()),
          static_cast<size_t>(items.cols()) * sizeof(float)};
}

/// The items by their vectors: those with equal bytes are a group, numbered by its first item.
std::vector<std::vector<int>> GroupsOf(const Matrix& items) {
  std::vector<std::vector<int>> groups;
  std::unordered_map<std::string_view, size_t> numbers;
  for (Eigen::Index i = 0; i < items.rows(); ++i) {
    const auto [at, is_new] = numbers.emplace(BytesOfItem(items, i), groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(static_cast<int>(i));
  }
  return groups;
}

class Hnsw final : public HnswIndex {
 public:
  Hnsw(const Matrix& items, const HnswOptions& options)
      : items_(items),
        scan_(items),
        groups_(GroupsOf(items)),
        space_(static_cast<size_t>(items.cols())),
        graph_(&space_, std::max<size_t>(groups_.size(), 1), static_cast<size_t>(options.links),
               static_cast<size_t>(options.build_width)) {
    Hnsw::SetSearchWidth(options.search_width);
    // One thread: several would build another graph each time, draw levels from one generator
    // without a lock, and lock two items in either order.
    for (size_t g = 0; g < groups_.size(); ++g)
      graph_.addPoint(items.row(groups_[g].front()).data(), g);
  }

  std::vector<ScoredItem> Best(const float* user, size_t n, const std::vector<bool>& excluded,
                               size_t n_excluded) const override {
    std::vector<ScoredItem> best;
    const size_t n_groups = std::min(n + n_excluded, groups_.size());
    if (n == 0 || n_groups == 0) return best;
    const Eigen::Map<const Eigen::RowVectorXf> vector(user, items_.cols());
    std::vector<ScoredItem> found;  // `item` is the number of a group
    for (auto nearest = graph_.searchKnn(user, n_groups); !nearest.empty(); nearest.pop()) {
      const size_t group = nearest.top().second;
      found.push_back({static_cast<int>(group), items_.row(groups_[group].front()).dot(vector)});
    }
    std::sort(found.begin(), found.end(), IsBetter);
    for (const ScoredItem& one : found) {
      // Groups of one score mix their items: the lower number comes first.
      if (best.size() >= n && one.score < best.back().score) break;
      size_t n_taken = 0;
      for (const int item : groups_[static_cast<size_t>(one.item)]) {
        if (n_taken == n) break;
        if (!excluded.empty() && excluded[static_cast<size_t>(item)]) continue;
        best.push_back({item, one.score});
        ++n_taken;
      }
    }
    if (best.size() < std::min(n, static_cast<size_t>(items_.rows()) - n_excluded))
      return scan_.Best(user, n, excluded, n_excluded);
    std::sort(best.begin(), best.end(), IsBetter);
    best.resize(std::min(best.size(), n));
    return best;
  }

  void SetSearchWidth(int width) override { graph_.setEf(static_cast<size_t>(width)); }

 private:
  const Matrix& items_;
  Scan scan_;
  std::vector<std::vector<int>> groups_;  // ascending
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

double RecallOf(const std::vector<ScoredItem>& found, const std::vector<ScoredItem>& best) {
  constexpr float kRounding = 1e-5f;  // a scan adds up products in another order
  if (best.empty()) return 1;
  const float last = best.back().score;
  const float slack = kRounding * std::max(std::abs(best.front().score), std::abs(last));
  const auto n_good = std::count_if(
      found.begin(), found.end(), [&](const ScoredItem& one) { return one.score >= last - slack; });
  return static_cast<double>(n_good) / static_cast<double>(best.size());
}

}  // namespace zhiyin::worker::recommend
