// How much sooner a graph of items finds the best of them than a scan, and how many it finds:
// item_index --items=1000000 --dim=64
//
// Vectors as towers give them: most of their variance lies in few directions, and items come in
// kinds. Queries are drawn like items. One thread asks. Both are asked the same queries in turn;
// medians over them.
#include "worker/recommend/item_index.h"

#include <gflags/gflags.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>
#include <vector>

#include "common/random.h"

DEFINE_int32(items, 1000000, "vectors");
DEFINE_int32(dim, 64, "columns");
DEFINE_int32(directions, 16, "that hold most of the variance");
DEFINE_int32(kinds, 2000, "of items; a vector is its kind's and as much of its own");
DEFINE_bool(normalize, true, "vectors of length 1, as two_tower.normalize gives them");
DEFINE_int32(queries, 200, "asked of each");
DEFINE_int32(n, 100, "items of an answer");
DEFINE_int32(links, 16, "as --index=hnsw has them");
DEFINE_int32(build_width, 100, "the same");

namespace zhiyin::worker {
namespace {

double Seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Matrix Drawn(int n, uint64_t stream) {
  Random shared(1);
  Matrix mixing(FLAGS_directions, FLAGS_dim);
  for (Eigen::Index i = 0; i < mixing.size(); ++i)
    mixing.data()[i] = static_cast<float>(shared.Normal() / std::sqrt(FLAGS_directions));
  Matrix kinds(FLAGS_kinds, FLAGS_directions);
  for (Eigen::Index i = 0; i < kinds.size(); ++i)
    kinds.data()[i] = static_cast<float>(shared.Normal());
  Matrix all(n, FLAGS_dim);
  Vector place(FLAGS_directions);
  for (int i = 0; i < n; ++i) {
    Random random(7, static_cast<uint64_t>(i), stream);
    place = kinds.row(static_cast<Eigen::Index>(random.Below(static_cast<uint64_t>(FLAGS_kinds))));
    for (Eigen::Index d = 0; d < place.size(); ++d) place[d] += static_cast<float>(random.Normal());
    all.row(i).noalias() = place * mixing;
    for (int d = 0; d < FLAGS_dim; ++d) all(i, d) += static_cast<float>(0.1 * random.Normal());
    if (FLAGS_normalize) all.row(i).normalize();
  }
  return all;
}

void Run() {
  const Matrix items = Drawn(FLAGS_items, 1);
  const Matrix queries = Drawn(FLAGS_queries, 2);
  const auto scan = recommend::MakeScan(items);
  recommend::HnswOptions options;
  options.links = FLAGS_links;
  options.build_width = FLAGS_build_width;
  const double begin = Seconds();
  auto graph = recommend::MakeHnsw(items, options);
  std::printf("%d items of dim %d: graph built in %.0f s\n", FLAGS_items, FLAGS_dim,
              Seconds() - begin);
  const size_t n = static_cast<size_t>(FLAGS_n);
  std::printf("%12s %12s %12s %8s %10s\n", "search_width", "scan ms", "hnsw ms", "ratio", "recall");
  for (const int width : {100, 200, 400, 800}) {
    graph->SetSearchWidth(width);
    std::vector<double> of_scan, of_graph;
    double n_found = 0;
    for (int q = 0; q < FLAGS_queries; ++q) {
      const double start = Seconds();
      const std::vector<recommend::ScoredItem> exact = scan->Best(queries.row(q).data(), n, {}, 0);
      const double middle = Seconds();
      const std::vector<recommend::ScoredItem> found = graph->Best(queries.row(q).data(), n, {}, 0);
      of_graph.push_back(Seconds() - middle);
      of_scan.push_back(middle - start);
      std::set<int> best;
      for (const recommend::ScoredItem& one : exact) best.insert(one.item);
      for (const recommend::ScoredItem& one : found)
        n_found += static_cast<double>(best.count(one.item));
    }
    const auto median = [](std::vector<double> times) {
      std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                       times.end());
      return 1e3 * times[times.size() / 2];
    };
    std::printf("%12d %12.3f %12.3f %8.1f %10.4f\n", width, median(of_scan), median(of_graph),
                median(of_scan) / median(of_graph), n_found / FLAGS_queries / FLAGS_n);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace zhiyin::worker

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  zhiyin::worker::Run();
}
