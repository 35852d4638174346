// The items whose vectors have the largest products with a user's.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/matrix.h"

namespace zhiyin::worker::recommend {

struct ScoredItem {
  int item = 0;
  float score = 0;  // the product of the vectors
};

/// Immutable once made; any number of threads.
class ItemIndex {
 public:
  virtual ~ItemIndex() = default;
  /// At most n items that are not excluded, by score, best first; of equal scores the first item
  /// first. user [dim]; excluded [items], or empty for none; n_excluded of them are true.
  virtual std::vector<ScoredItem> Best(const float* user, size_t n,
                                       const std::vector<bool>& excluded,
                                       size_t n_excluded) const = 0;
};

/// Looks at all. items [n, dim]: borrowed.
std::unique_ptr<ItemIndex> MakeScan(const Matrix& items);

/// Of hnswlib: hierarchical navigable small worlds (Malkov and Yashunin, TPAMI 2020), with the
/// product as likeness.
struct HnswOptions {
  int links = 16;          // M: of an item to others, on a layer
  int build_width = 100;   // ef_construction: items that are looked at for an item's links
  int search_width = 200;  // ef: for a query; more find more of the best, and take longer
};

/// Finds most of them, with their exact scores. Made by one thread, the same every time. Excluded
/// items are looked for as well, and left out. items [n, dim]: borrowed, and copied too.
class HnswIndex : public ItemIndex {
 public:
  /// As in HnswOptions. Nobody asks meanwhile.
  virtual void SetSearchWidth(int width) = 0;
};
std::unique_ptr<HnswIndex> MakeHnsw(const Matrix& items, const HnswOptions& options);

}  // namespace zhiyin::worker::recommend
