//! What the scriptlets do, case by case. Each runs in every shell.

use super::Sandbox;

mod account;
mod config;
mod deb;
mod init;
mod life;
mod platform;
mod upgrade;

/// A named case.
pub type Scenario = (&'static str, fn(&Sandbox));

const DATA: &str = "/opt/illumio_ven_data";
const SETTINGS: &str = "/etc/illumio_ven/install.env";
const UNIT: &str = "/etc/systemd/system/illumio-ven.service";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/illumio-ven.service";

/// All cases but those of wrong variables, which are a table of their own.
pub const SCENARIOS: &[Scenario] = &[
    ("an rpm install makes account, data, settings and unit, and starts the agent", life::rpm_install),
    ("an rpm install and erase leave nothing but the closed data directory", life::rpm_install_erase),
    ("an rpm erase of a relocated install removes the directories that were made", life::rpm_relocated_erase),
    ("an rpm erase on a half-removed host works with defaults", life::rpm_erase_half_removed),
    ("an rpm erase without its control program stops the processes by number", life::rpm_erase_without_ctl),
    ("an rpm erase whose agent does not stop is refused", life::rpm_erase_refused),
    ("an rpm reinstall after erase takes the kept data over", life::rpm_reinstall_over_data),
    ("an rpm upgrade restarts a running agent and leaves a stopped one", upgrade::rpm_upgrade_state),
    ("a plain upgrade of a relocated install is refused with the command to run", upgrade::rpm_upgrade_moved),
    ("an upgrade keeps user and data directory without variables", upgrade::rpm_upgrade_keeps),
    (
        "an upgrade that switches user or data directory is refused, or allowed on purpose",
        upgrade::rpm_upgrade_switch,
    ),
    (
        "an allowed move stops the agent at its old place and starts it at the new one",
        upgrade::rpm_allowed_move,
    ),
    ("an upgrade with damaged or missing settings is refused or warned about", upgrade::rpm_damaged_settings),
    ("posttrans after a failed post says so and leaves the old agent running", upgrade::rpm_failed_post),
    ("what an interrupted install created is still its own to remove", upgrade::rpm_interrupted),
    ("a custom user brings its group, gets the files and is not removed", account::custom_user),
    ("user and group numbers are honoured, and ignored with a custom user", account::numbers),
    ("accounts are made with busybox tools where others are missing, or refused", account::account_tools),
    ("accounts are looked up in the files where getent is missing", account::no_getent),
    ("upstart, sysv and cron are used where systemd is not", init::other_inits),
    ("an upgrade respects what the administrator enabled, disabled and edited", init::init_respect),
    ("nothing is started in an offline root, and the unit is enabled", init::offline),
    ("activation writes a root-only file and no secret elsewhere", config::activation),
    ("prepare leaves the agent stopped until the next boot", config::prepare),
    ("kerberos, PKI and proxy settings go to runtime_env.yml and other lines stay", config::runtime_env),
    ("a failing init system does not leave the agent down", init::init_fails),
    ("scripts in name spaces of their own start the agent outside", init::private_namespaces),
    ("a deb install, remove and purge follow the ownership table", deb::deb_life),
    ("a deb upgrade restarts a running agent and leaves a stopped one", deb::deb_upgrade_state),
    ("a deb that was removed and not purged is installed with its old settings", deb::deb_removed_install),
    ("a failed deb installation is taken back", deb::deb_abort_install),
    ("every deb abort argument leaves the agent as it was", deb::deb_aborts),
    ("a deb purge of a linked data directory removes the link's target in no case", deb::deb_purge_link),
    ("links in the place of directories are refused", life::links),
    ("init_Platform loads modules, sets the time-out and saves rules once", platform::prepares),
    ("init_Platform tolerates containers and old kernels, and says what is left out", platform::tolerates),
    ("init_Platform hands over to the control program and starts a dead agent only", platform::controls),
    ("agent_status.sh tells pairing configuration and daemon", platform::agent_status),
];
