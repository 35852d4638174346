// How fast a server writes and reads its rows: checkpoint_io --rows=16000000 --file=/data/rows.bin
//
// One table of dim 16 with AdaGrad, 136 bytes a row on disk; to the disk, with its fsync, and from
// there into an empty table, without what the system still has of the file in memory. Prints bytes
// a second of both; and on standard error the longest pause of a server that saves while requests
// come all the time.
#include <fcntl.h>
#include <gflags/gflags.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "configs/manifest.pb.h"
#include "ps/save/checkpoint.h"
#include "ps/save/row_saver.h"
#include "ps/table/table.h"

DEFINE_int64(rows, 16'000'000, "of the table");
DEFINE_string(file, "/tmp/rows-0-of-1.bin", "where; it is removed afterwards");

namespace zhiyin {
namespace {

constexpr size_t kRequest = 4096;

Job JobWithTable() {
  Job job;
  job.mutable_train()->mutable_dense_optimizer()->mutable_sgd();
  Table* table = job.add_table();
  table->set_name("t");
  table->set_dim(16);
  table->mutable_optimizer()->mutable_adagrad()->set_learning_rate(0.05);
  table->mutable_init()->mutable_uniform()->set_range(0.1);
  return job;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int Measure() {
  const net::RoleMap roles{1, 1};
  Manifest manifest;
  *manifest.mutable_job() = JobWithTable();
  Manifest::RowFile* entry = manifest.add_file();
  const std::filesystem::path path = FLAGS_file;
  entry->set_name(path.filename().string());
  std::vector<ps::table::Table> tables = ps::table::EmptyTables(manifest.job());
  std::vector<Key> keys(kRequest);
  std::vector<std::byte*> rows(kRequest);
  for (int64_t n = 0; n < FLAGS_rows; n += static_cast<int64_t>(kRequest)) {
    for (size_t i = 0; i < kRequest; ++i) keys[i] = Mix(static_cast<uint64_t>(n) + i);
    tables[1].FindOrCreate(keys, 0, rows);
  }
  double begin = Now();
  const ps::save::SavedRows saved = ps::save::SaveRows(
      FLAGS_file, ps::SaveKind::kModel, &tables, [] {}, Beside::kThread);
  const double save_s = Now() - begin;
  entry->set_n_bytes(saved.n_bytes);
  entry->set_digest(saved.digest);

  // The same while requests come all the time: 4,096 rows that are pulled, and get a gradient.
  double longest_pause = 0;
  double longest_request = 0;
  Random random(1);
  const std::vector<float> gradients(kRequest * 16, 0.01f);
  std::filesystem::remove(path);
  begin = Now();
  ps::save::RowSaver saver(
      FLAGS_file, ps::SaveKind::kModel, &tables, [] {}, Beside::kThread);
  longest_pause = Now() - begin;
  int64_t most_kept = 0;
  for (uint64_t step = 1; !saver.IsDone(); ++step) {
    std::set<Key> distinct;
    while (distinct.size() < kRequest)
      distinct.insert(Mix(random.Below(static_cast<uint64_t>(FLAGS_rows))));
    keys.assign(distinct.begin(), distinct.end());
    double at = Now();
    tables[1].FindOrCreate(keys, step, rows);
    tables[1].Apply(rows, gradients.data(), nullptr, step);
    longest_request = std::max(longest_request, Now() - at);
    at = Now();
    saver.Advance(/*may_wait=*/false);
    longest_pause = std::max(longest_pause, Now() - at);
    most_kept = std::max(most_kept, saver.n_bytes_kept());
  }
  const double beside_s = Now() - begin;

  tables = ps::table::EmptyTables(manifest.job());
  const int file = open(FLAGS_file.c_str(), O_RDONLY);
  if (file < 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0)
    Fail(FLAGS_file, ": cannot be taken out of memory");
  close(file);
  begin = Now();
  ps::save::LoadRows(
      {{path.parent_path().string(), manifest}}, ps::save::CarryAll(tables.size()), roles, 0,
      &tables, [] {}, Beside::kThread);
  const double load_s = Now() - begin;
  std::filesystem::remove(path);
  const double n_bytes = static_cast<double>(saved.n_bytes);
  std::printf("%.0f %.0f\n", n_bytes / save_s, n_bytes / load_s);
  std::fprintf(stderr,
               "beside requests of %zu rows: %.2f s, the longest pause %.2f ms, the longest "
               "request %.2f ms, %.0f MB kept at most\n",
               kRequest, beside_s, 1000 * longest_pause, 1000 * longest_request,
               static_cast<double>(most_kept) / 1e6);
  return 0;
}

}  // namespace
}  // namespace zhiyin

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return zhiyin::Measure();
}
