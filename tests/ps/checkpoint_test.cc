#include "ps/checkpoint.h"

#include <gmock/gmock.h>

#include <map>

#include "common/error.h"
#include "common/partitioner.h"
#include "common/random.h"
#include "tests/support/example_jobs.h"
#include "tests/support/files.h"

namespace zhiyin::ps {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

Job ModelJob() {
  return testing::ExampleJob("mmoe { n_experts: 1 expert: 2 }", 3);
}

std::vector<Table> EmptyTables() {
  std::vector<Table> tables;
  for (const TableSpec& spec : TableSpecs(ModelJob())) tables.emplace_back(spec, 1);
  return tables;
}

std::vector<Key> SomeKeys(TableId table) {
  std::vector<Key> keys(table == kDenseTable ? 5 : 300);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = table == kDenseTable ? i : Mix(i);
  return keys;
}

/// Saves the model as `n_servers` would and returns its manifest.
Manifest SaveAs(int n_servers, const TempFolder& folder) {
  Manifest manifest;
  for (int server = 0; server < n_servers; ++server) {
    std::vector<Table> tables = EmptyTables();
    for (TableId t = 0; t < tables.size(); ++t) {
      for (Key key : SomeKeys(t)) {
        if (ServerOf(t, key, n_servers) != server) continue;
        std::byte* row = nullptr;
        tables[t].FindOrForce({&key, 1}, {&row, 1});
        for (size_t i = 0; i < tables[t].layout().bytes(); ++i) row[i] = static_cast<std::byte>(key + i);
      }
    }
    const std::string name = "rows-" + std::to_string(server) + ".bin";
    const SavedRows saved = SaveRows(folder.Path(name), tables, [] {});
    Manifest::RowFile* file = manifest.add_file();
    file->set_name(name);
    file->set_n_rows(saved.n_rows);
    file->set_n_bytes(saved.n_bytes);
    file->set_digest(saved.digest);
  }
  return manifest;
}

std::string LoadError(const TempFolder& folder, const Manifest& manifest, std::vector<Table> tables) {
  try {
    LoadRows(folder.Path(), manifest, {1, 1}, 0, &tables, [] {});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Checkpoint, LoadsOnAnyNumberOfServers) {
  for (int n_before : {1, 4}) {
    TempFolder folder;
    const Manifest manifest = SaveAs(n_before, folder);
    for (int n_after : {1, 3, 7}) {
      int64_t n_rows = 0;
      for (int server = 0; server < n_after; ++server) {
        std::vector<Table> tables = EmptyTables();
        LoadRows(folder.Path(), manifest, {n_after, 1}, server, &tables, [] {});
        for (TableId t = 0; t < tables.size(); ++t) {
          n_rows += tables[t].n_rows();
          for (Key key : SomeKeys(t)) {
            std::byte* row = nullptr;
            tables[t].Find({&key, 1}, {&row, 1});
            ASSERT_EQ(row != nullptr, ServerOf(t, key, n_after) == server);
            if (row == nullptr) continue;
            for (size_t i = 0; i < tables[t].layout().bytes(); ++i)
              ASSERT_EQ(row[i], static_cast<std::byte>(key + i));
          }
        }
      }
      EXPECT_EQ(n_rows, 605);
    }
  }
}

TEST(Checkpoint, TheSameRowsAreTheSameBytes) {
  TempFolder first;
  TempFolder second;
  EXPECT_EQ(SaveAs(1, first).file(0).digest(), SaveAs(1, second).file(0).digest());
}

TEST(Checkpoint, RefusesWhatIsDamaged) {
  TempFolder folder;
  const Manifest manifest = SaveAs(1, folder);
  const std::string whole = testing::ReadFile(folder.Path("rows-0.bin"));
  EXPECT_EQ(LoadError(folder, manifest, EmptyTables()), "");

  Random random(1);
  for (int i = 0; i < 200; ++i) {  // one flipped bit anywhere
    std::string flipped = whole;
    flipped[random.Below(flipped.size())] ^= static_cast<char>(1 << random.Below(8));
    folder.Write("rows-0.bin", flipped);
    EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("rows-0.bin"));
  }
  folder.Write("rows-0.bin", whole.substr(0, whole.size() - 1));
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("bytes, expected"));
  folder.Write("rows-0.bin", whole + "x");
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("bytes, expected"));
  std::filesystem::remove(folder.Path("rows-0.bin"));
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("cannot open"));
}

TEST(Checkpoint, RefusesOtherTables) {
  TempFolder folder;
  const Manifest manifest = SaveAs(1, folder);
  Job wider = ModelJob();
  wider.mutable_table(1)->set_dim(4);
  std::vector<Table> tables;
  for (const TableSpec& spec : TableSpecs(wider)) tables.emplace_back(spec, 1);
  EXPECT_THAT(LoadError(folder, manifest, std::move(tables)), HasSubstr("table items of dim 3"));
}

TEST(Checkpoint, RefusesNamesOutsideItsFolder) {
  TempFolder folder;
  Manifest manifest = SaveAs(1, folder);
  manifest.mutable_file(0)->set_name("../rows-0.bin");
  EXPECT_THAT(LoadError(folder, manifest, EmptyTables()), HasSubstr("not in the folder"));
}

TEST(Checkpoint, AnUnwritableFileIsAnError) {
  EXPECT_THROW(SaveRows("/nowhere/rows.bin", EmptyTables(), [] {}), Error);
}

}  // namespace
}  // namespace zhiyin::ps
