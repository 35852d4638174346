#include <filesystem>
#include <string>
#include <vector>

#include "common/block_file.h"
#include "ps/save/checkpoint.h"
#include "ps/save/row_saver.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/files.h"

namespace zhiyin::fuzz {
namespace {

constexpr const char* kName = "rows-0-of-1.bin";

Job JobWithSightings() {
  Job job = SmallJob(0);
  for (zhiyin::Table& table : *job.mutable_table())
    table.mutable_admission()->mutable_exact()->set_sightings(2);
  return job;
}

/// Tables with some rows, and with keys that were seen but have none.
std::string Saved(int n_keys, ps::SaveKind kind) {
  const testing::TempFolder folder(testing::TempFolder::kInMemory);
  std::vector<ps::table::Table> tables = ps::table::EmptyTables(JobWithSightings());
  ps::save::SaveRows(folder.Path("before"), ps::SaveKind::kWhole, &tables, [] {});
  for (ps::table::Table& table : tables) {
    for (uint64_t step = 0; step < 3; ++step) {
      std::vector<Key> keys;
      for (int i = 0; i < n_keys; ++i) keys.push_back(static_cast<Key>(7 * i) + step % 2);
      std::vector<std::byte*> rows(keys.size());
      table.FindOrCreate(keys, step, rows);
      table.EndStep(step, ps::table::Table::kNoneInUse);
    }
  }
  ps::save::SaveRows(folder.Path(kName), kind, &tables, [] {});
  BlockReader file(folder.Path(kName));
  std::string content(static_cast<size_t>(file.n_left()), '\0');
  file.Read(std::as_writable_bytes(std::span(content)));
  return content;
}

/// A folder with a file of rows.
ps::save::SavedFolder Written(const std::string& folder, std::string_view content, bool is_changes,
                              const Job& job) {
  ps::save::SavedFolder saved{folder, {}};
  *saved.manifest.mutable_job() = job;
  Manifest::RowFile* entry = saved.manifest.add_file();
  entry->set_name(kName);
  entry->set_is_changes(is_changes);
  std::filesystem::create_directories(folder);
  BlockWriter file(folder + "/" + kName);
  file.Write(std::as_bytes(std::span(content)));
  file.Commit();
  entry->set_n_bytes(file.n_bytes());
  entry->set_digest(file.digest());
  return saved;
}

}  // namespace

/// The content of the file: its checksums fit, so that what reads it is on its own. A file of
/// changes is read on top of another.
int FuzzRows(const uint8_t* data, size_t size) {
  static const Job kJob = JobWithSightings();
  static const testing::TempFolder folder(testing::TempFolder::kInMemory);
  static const std::string kBase = Saved(5, ps::SaveKind::kModel);
  // As the head says.
  const bool is_changes = size > 8 && data[8] == 1;
  ps::save::SavedChain saved;
  if (is_changes) saved.push_back(Written(folder.Path("base"), kBase, false, kJob));
  saved.push_back(Written(folder.Path("newest"),
                          std::string_view(reinterpret_cast<const char*>(data), size), is_changes,
                          kJob));
  Judge(kName, [&] {
    std::vector<ps::table::Table> tables = ps::table::EmptyTables(kJob);
    ps::save::LoadRows(saved, ps::save::CarryAll(tables.size()), {2, 1}, 1, &tables, [] {});
  });
  return 0;
}

std::vector<std::string> RowsSeeds() {
  return {Saved(0, ps::SaveKind::kModel), Saved(3, ps::SaveKind::kModel),
          Saved(40, ps::SaveKind::kModel), Saved(0, ps::SaveKind::kChanges),
          Saved(9, ps::SaveKind::kChanges)};
}

}  // namespace zhiyin::fuzz
