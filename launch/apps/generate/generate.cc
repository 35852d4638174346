#include "launch/apps/generate/generate.h"

#include <algorithm>
#include <sstream>

#include "common/config/override.h"
#include "common/error.h"
#include "configs/world.pb.h"
#include "launch/apps/generate/search_world.h"
#include "launch/apps/generate/shop_world.h"
#include "launch/apps/generate/table_file.h"
#include "launch/job/load_job.h"
#include "launch/rank/output_folder.h"
#include "worker/data/codec/codec.h"
#include "worker/data/generated/world.h"

namespace zhiyin::launch::apps {
namespace {

/// The configuration that the settings describe. Throws Error for a setting that is none.
template <typename World>
World Configured(const std::vector<std::string>& settings) {
  World world;
  config::ConfigBlame blame("generate");
  for (const std::string& setting : settings) config::ApplyOverride(setting, &blame, &world);
  return world;
}

/// The format of a world's files. Throws Error where behind its name stands another ending than
/// that of a compression.
const worker::data::TableFormat& FormatOfFiles(const std::string& format) {
  const size_t n = std::min(format.find('.'), format.size());
  const worker::data::Codec* codec = worker::data::CodecByEnding(format);
  if (n < format.size() && (codec == nullptr || format.substr(n) != codec->ending))
    Fail("--format=", format, ": expected ", worker::data::TableFormatNames(),
         ", and behind it nothing, or a compression as in csv.gz");
  return TableFormatOf(format.substr(0, n));
}

void WriteAll(const std::vector<WorldFile>& files, const GenerateWorldCommand& command) {
  const worker::data::TableFormat& format = FormatOfFiles(command.format);
  const auto path_of = [&](const WorldFile& file) {
    return command.output + "/" + file.name + "." + command.format;
  };
  for (const WorldFile& file : files) CheckTableFile(file.table, format, path_of(file));
  rank::MakeOutputFolder(command.output);
  for (const WorldFile& file : files) rank::CheckOutputFile(path_of(file), command.overwrite);
  for (const WorldFile& file : files) WriteTableFile(file.table, format, path_of(file));
}

}  // namespace

void GenerateWorld(const GenerateWorldCommand& command) {
  if (command.world != "shop" && command.world != "search")
    Fail("generate ", command.world, ": expected shop or search");
  std::ostringstream said;
  double test_time = 0;
  if (command.world == "shop") {
    const Shop config = ShopWorld::WithDefaults(Configured<Shop>(command.settings));
    const ShopWorld world(config);
    WriteAll(world.files(), command);
    test_time = world.test_time();
    said << config.n_users() << " users, " << config.n_items() << " items and "
         << config.n_new_items() << " new ones, " << config.n_events();
  } else {
    const Search config = SearchWorld::WithDefaults(Configured<Search>(command.settings));
    const SearchWorld world(config);
    WriteAll(world.files(), command);
    test_time = world.test_time();
    said << config.n_users() << " users, " << config.n_queries() << " queries, "
         << config.n_documents() << " documents and " << config.n_new_documents() << " new ones, "
         << config.n_pages() * SearchWorld::kPageLength;
  }
  said << " events in " << command.output << "; those from day " << test_time
       << " on are for testing\n";
  command.print(said.str());
}

void GenerateRows(const GenerateRowsCommand& command) {
  const worker::data::TableFormat& format = TableFormatOf(command.format);
  const Job job = job::LoadJob(command.config, command.overrides);
  if (worker::data::ChosenWorld(job.data()) == nullptr)
    Fail(command.config, ": data: nothing to generate: expected one of the generated sources");
  const worker::data::DataTable table = worker::data::GeneratedTable(job.data());
  CheckTableFile(table, format, command.output);
  rank::CheckOutputFile(command.output, command.overwrite);
  WriteTableFile(table, format, command.output);
}

}  // namespace zhiyin::launch::apps
