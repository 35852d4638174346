// Retrieval: the items whose vectors have the largest inner products with a user's vector.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/matrix.h"

namespace zhiyin::worker::recommend {

struct ScoredItem {
  int item = 0;
  float score = 0;  // inner product of the vectors
};

/// Finds items by their vectors. Immutable once made; then used by any number of threads.
class ItemIndex {
 public:
  virtual ~ItemIndex() = default;
  /// Returns at most n items that are not excluded, best first; among equal scores the lower number
  /// first. user [dim]; excluded [n_items], or empty for none; n_excluded of them are true.
  virtual std::vector<ScoredItem> Best(const float* user, size_t n,
                                       const std::vector<bool>& excluded,
                                       size_t n_excluded) const = 0;
};

/// Makes an exact index, which computes all products. items [n, dim] must outlive it.
std::unique_ptr<ItemIndex> MakeScan(const Matrix& items);

/// Parameters of hnswlib: hierarchical navigable small world graphs (Malkov and Yashunin, TPAMI
/// 2020) with the inner product as similarity.
struct HnswOptions {
  int links = 16;          // M: links of an item on a layer
  int build_width = 100;   // ef_construction: candidates for the links of a new item
  int search_width = 200;  // ef: candidates of a query; larger is more accurate and slower
};

/// An approximate index: finds most of the best items, with exact scores, and as many as there are.
/// Built by one thread, so that it is reproducible. The graph has every vector once, with all the
/// items whose vectors are equal: copies of a vector would be linked with each other alone.
/// Excluded items are searched for, too, and then left out. A list that the graph cannot fill,
/// because some vectors are out of reach, is made by a scan.
class HnswIndex : public ItemIndex {
 public:
  /// Changes HnswOptions::search_width. REQUIRES: no other thread calls Best meanwhile.
  virtual void SetSearchWidth(int width) = 0;
};
/// Copies items [n, dim], which must outlive the index nevertheless.
std::unique_ptr<HnswIndex> MakeHnsw(const Matrix& items, const HnswOptions& options);

/// The share of the places of a list that `found` fills as well as the exact list `best` does: with
/// items whose score is at least that of the last one there, up to rounding. 1 where `best` is
/// empty.
double RecallOf(const std::vector<ScoredItem>& found, const std::vector<ScoredItem>& best);

}  // namespace zhiyin::worker::recommend
