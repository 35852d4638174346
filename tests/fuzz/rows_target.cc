#include <filesystem>
#include <string>
#include <vector>

#include "common/block_file.h"
#include "ps/checkpoint.h"
#include "tests/fuzz/conversation.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "tests/support/files.h"

namespace zhiyin::fuzz {
namespace {

constexpr const char* kName = "rows-0-of-1.bin";

Job JobWithSightings() {
  Job job = SmallJob(0);
  for (zhiyin::Table& table : *job.mutable_table()) table.mutable_admission()->mutable_exact()->set_sightings(2);
  return job;
}

std::vector<ps::Table> EmptyTables(const Job& job) {
  std::vector<ps::Table> tables;
  for (const ps::TableSpec& spec : ps::TableSpecs(job)) tables.emplace_back(spec, 1);
  return tables;
}

/// Tables with some rows, and with keys that were seen but have none.
std::string Saved(int n_keys) {
  const testing::TempFolder folder(testing::TempFolder::kInMemory);
  std::vector<ps::Table> tables = EmptyTables(JobWithSightings());
  for (ps::Table& table : tables) {
    for (uint64_t step = 0; step < 3; ++step) {
      std::vector<Key> keys;
      for (int i = 0; i < n_keys; ++i) keys.push_back(static_cast<Key>(7 * i) + step % 2);
      std::vector<std::byte*> rows(keys.size());
      table.FindOrCreate(keys, step, rows);
      table.EndStep(step, ps::Table::kNoneInUse);
    }
  }
  ps::SaveRows(folder.Path(kName), &tables, [] {});
  BlockReader file(folder.Path(kName));
  std::string content(static_cast<size_t>(file.n_left()), '\0');
  file.Read(std::as_writable_bytes(std::span(content)));
  return content;
}

}  // namespace

/// The content of the file: its checksums fit, so that what reads it is on its own.
int FuzzRows(const uint8_t* data, size_t size) {
  static const Job kJob = JobWithSightings();
  static const testing::TempFolder folder(testing::TempFolder::kInMemory);
  Manifest manifest;
  Manifest::RowFile* entry = manifest.add_file();
  entry->set_name(kName);
  {
    BlockWriter file(folder.Path(kName));
    file.Write(std::as_bytes(std::span(data, size)));
    file.Commit();
    entry->set_n_bytes(file.n_bytes());
    entry->set_digest(file.digest());
  }
  Judge(kName, [&] {
    std::vector<ps::Table> tables = EmptyTables(kJob);
    ps::LoadRows(folder.Path(), manifest, {2, 1}, 1, &tables, [] {});
  });
  return 0;
}

std::vector<std::string> RowsSeeds() { return {Saved(0), Saved(3), Saved(40)}; }

}  // namespace zhiyin::fuzz
