"""Who may do what, all cells: the broker's own answer and the database's against rules that are stated here anew."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

import psycopg
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from schemas.topics import MemberTopics
from tocsin.stack.charter import sample_charter

pytestmark = pytest.mark.stack

T = TypeVar("T")
Rights = frozenset[str]
NOTHING: Final[Rights] = frozenset()
READ: Final[Rights] = frozenset({"READ", "DESCRIBE"})
SEE: Final[Rights] = frozenset({"DESCRIBE"})
"""How much there is, and none of it."""
WRITE: Final[Rights] = frozenset({"WRITE", "DESCRIBE"})
SUPER_USERS: Final = ("ops", "broker")
STRANGER: Final = "stranger"
"""A certificate of the right authority whose name is in no table."""

OWNERS: Final[Mapping[str, Rights]] = {"reports": WRITE, "returns": WRITE, "referrals": READ, "status": READ}
PROCESSES: Final[Mapping[str, Mapping[str, Rights]]] = {
    "triage": {
        "reports": READ,
        "rulings": READ,
        "triaged": WRITE,
        "referrals": WRITE,
        "status": WRITE,
        "dlq": WRITE,
    },
    "returns": {"returns": READ, "rulings": WRITE, "status": WRITE, "dlq": WRITE},
    "metrics": dict.fromkeys(("reports", "returns", "referrals", "status", "dlq", "triaged", "rulings"), SEE),
}
"""By the first word of a topic's name; what is not here is denied."""
SUPER_TOPIC: Final[Rights] = READ | WRITE | {"CREATE", "DELETE", "ALTER", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"}
SUPER_GROUP: Final[Rights] = READ | {"DELETE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS"}


def own_topics(member: MemberTopics) -> set[str]:
    """What belongs to a member, by what it does; names in full, and not by the functions that made them."""
    name, place = member.member_id, member.jurisdiction
    found = {f"status.{name}.v1", f"returns.{name}.v1"}
    found |= {f"reports.{name}.submitted.v1", f"reports.{name}.escalated.v1"} if member.submits else set()
    return found | (
        {f"referrals.{place}.{name}.v1", f"referrals.{place}.{name}.urgent.v1"} if member.receives else set()
    )


class Exchange:
    """The members of the sample policy, and what each principal should be able to do."""

    def __init__(self, members: Iterable[MemberTopics]) -> None:
        self.owned = {str(member.member_id): own_topics(member) for member in members}
        self.principals = (*SUPER_USERS, *PROCESSES, *self.owned, STRANGER)
        self.groups = [f"{name}{end}" for name in self.principals for end in (".test", "-2.test", "")]
        """Of each its own, one that only begins alike, and one without an end."""

    def on_topic(self, principal: str, topic: str) -> Rights:
        """By whose it is and what it is for."""
        if principal in SUPER_USERS:
            return SUPER_TOPIC
        family = topic.partition(".")[0]
        if principal in PROCESSES:
            return PROCESSES[principal].get(family, NOTHING)
        return OWNERS[family] if topic in self.owned.get(principal, ()) else NOTHING

    def on_group(self, principal: str, group: str) -> Rights:
        """Each has the groups that begin with its name and a dot."""
        if principal in SUPER_USERS:
            return SUPER_GROUP
        if principal == "metrics":
            return SEE
        return READ if principal != STRANGER and group.startswith(f"{principal}.") else NOTHING


NOT_YET: Final = frozenset(
    {KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR}
)
"""What a broker answers of groups in its first seconds."""


def answered(future: "Future[Any]", denial: int) -> Rights | None:
    """What the authorizer lets this principal do; None where the broker has to be asked again."""
    try:
        return frozenset(operation.name for operation in future.result().authorized_operations or ())
    except KafkaException as error:
        code = error.args[0].code()
    if code == denial:
        return NOTHING
    assert code in NOT_YET, code
    return None


def seen(client: AdminClient, exchange: Exchange, topics: list[str]) -> dict[str, Rights]:
    """Every cell of one principal, in three questions."""
    options: dict[str, Any] = {"include_authorized_operations": True, "request_timeout": 20}
    whole = client.describe_cluster(**options).result()
    found = {"the cluster": frozenset(operation.name for operation in whole.authorized_operations or ())}
    denial = KafkaError.TOPIC_AUTHORIZATION_FAILED
    asked = client.describe_topics(TopicCollection(topics), **options)
    found |= {f"topic {name}": answered(future, denial) or NOTHING for name, future in asked.items()}
    return found | groups_seen(lambda: client.describe_consumer_groups(exchange.groups, **options))


def groups_seen(ask: Callable[[], dict[str, "Future[Any]"]]) -> dict[str, Rights]:
    """Asked again while the broker makes the topic of its groups, which it does at the first question."""
    deadline = time.monotonic() + 20
    while True:
        found = {name: answered(future, KafkaError.GROUP_AUTHORIZATION_FAILED) for name, future in ask().items()}
        if None not in found.values():
            return {f"group {name}": rights or NOTHING for name, rights in found.items()}
        assert time.monotonic() < deadline, "the broker has no coordinator of groups"
        time.sleep(0.1)


def expected(exchange: Exchange, principal: str, topics: list[str]) -> dict[str, Rights]:
    """The same cells, by the rules above."""
    everything = frozenset(
        ["ALTER", "ALTER_CONFIGS", "CLUSTER_ACTION", "CREATE", "DESCRIBE", "DESCRIBE_CONFIGS", "IDEMPOTENT_WRITE"]
    )
    return (
        {"the cluster": everything if principal in SUPER_USERS else NOTHING}
        | {f"topic {topic}": exchange.on_topic(principal, topic) for topic in topics}
        | {f"group {group}": exchange.on_group(principal, group) for group in exchange.groups}
    )


def test_every_principal_may_do_on_each_topic_and_group_what_policy_says_and_nothing_else(stack: Any) -> None:
    exchange = Exchange(sample_charter().members)
    topics = sorted(AdminClient(stack.client("ops")).list_topics(timeout=20).topics)
    assert set().union(*exchange.owned.values()) < set(topics), "every topic of a member is there to be asked about"
    for principal in exchange.principals:
        found = seen(AdminClient(stack.client(principal) | {"log_level": 0}), exchange, topics)
        wanted = expected(exchange, principal, topics)
        wrong = {cell: (wanted[cell], found[cell]) for cell in wanted if found[cell] != wanted[cell]}
        assert not wrong, f"{principal}: expected, found {wrong}"


ANY: Final[Any] = None
"""As the client's filter says it, whose annotation does not."""
_EVERY_RULE: Final = AclBindingFilter(
    ResourceType.ANY, ANY, ResourcePatternType.ANY, ANY, ANY, AclOperation.ANY, AclPermissionType.ANY
)
ATTEMPTS: Final[Mapping[str, Callable[[AdminClient], Mapping[Any, "Future[Any]"]]]] = {
    "make a topic": lambda client: client.create_topics([NewTopic("reports.us-hotline.planted.v1", 1)]),
    "delete its own topic": lambda client: client.delete_topics(["reports.us-hotline.submitted.v1"]),
    "delete a group of its own": lambda client: client.delete_consumer_groups(["us-hotline.nothing"]),
    "read its own topic's settings": lambda client: client.describe_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, "reports.us-hotline.submitted.v1")]
    ),
    "take away access rules": lambda client: client.delete_acls([_EVERY_RULE]),
}
DENIALS: Final = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)


@pytest.mark.parametrize("act", ATTEMPTS)
def test_a_member_cannot_administer_not_even_what_is_its_own(stack: Any, act: str) -> None:
    client = AdminClient(stack.client("us-hotline") | {"log_level": 0})
    for future in ATTEMPTS[act](client).values():
        with pytest.raises(KafkaException) as caught:
            future.result(20)
        assert caught.value.args[0].code() in DENIALS, caught.value


def test_a_member_is_shown_none_of_the_access_rules(stack: Any) -> None:
    member, ops = (AdminClient(stack.client(name) | {"log_level": 0}) for name in ("us-hotline", "ops"))
    assert member.describe_acls(_EVERY_RULE).result(20) == []
    assert ops.describe_acls(_EVERY_RULE).result(20) != []


def test_a_member_cannot_open_a_transaction(stack: Any) -> None:
    producer = Producer(stack.client("us-hotline") | {"transactional.id": "us-hotline.own", "log_level": 0})
    with pytest.raises(KafkaException) as caught:
        producer.init_transactions(20)
    assert caught.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


DATABASE: Final = """
    triage
      read           alembic_version disputes item_acts lea_holds returns skips subject_requests suspensions
      read+add       decisions links promotions rulings restricted.near_hashes
      read+add+edit  dead_letters items ledger_blocks log_starts queue referrals report_revisions sightings streams
      read+add+edit  unrouted workers
      add            audit_openings further_sightings
      add            audit_entries
      read           audit_entries(entry)
      use            claim_numbers
    returns
      read           alembic_version audit_epochs ledger_blocks links referrals report_revisions rulings sightings
      read           skips suspensions unrouted
      read+add       audit_checkpoints audit_entries audit_handed disputes item_acts lea_holds link_notices promotions
      read+add+edit  audit_tiles dead_letters ledger_blocks log_starts queue returns streams workers
      read+edit      items
      add            audit_openings
      edit           referrals(state) referrals(state_at) referrals(taken_up_at) lea_holds(reminded_at)
      edit           lea_holds(released_by) lea_holds(released_at)
      use            claim_numbers
    registry
"""
"""What each process may do in the exchange's database; whatever else there is belongs to `ops` alone."""
WORDS: Final = {"SELECT": "read", "INSERT": "add", "UPDATE": "edit", "USAGE": "use"}


def stated() -> set[tuple[str, str, str]]:
    """(role, what, right) of the table above."""
    role, found = "", set[tuple[str, str, str]]()
    for line in filter(None, map(str.strip, DATABASE.splitlines())):
        words = line.split()
        if len(words) == 1:
            role = words[0]
        found |= {(role, thing, right) for thing in words[1:] for right in words[0].split("+")}
    return found


RIGHTS_ON_TABLES: Final = """
    select role.rolname, kind.relname, namespace.nspname, wanted.word,
        case when has_table_privilege(role.oid, kind.oid, wanted.word) then array['']
        when wanted.word in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') then array(
            select attname::text from pg_attribute
            where attrelid = kind.oid and attnum > 0 and not attisdropped
            and has_column_privilege(role.oid, kind.oid, attnum, wanted.word)) end
    from pg_roles role
    cross join pg_class kind join pg_namespace namespace on namespace.oid = kind.relnamespace
    cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'])
        as wanted(word)
    where kind.relkind in ('r', 'p', 'v', 'm', 'f') and role.rolcanlogin and not role.rolsuper
    and role.rolname <> 'ops' and namespace.nspname not in ('pg_catalog', 'information_schema')
"""
RIGHTS_ON_SEQUENCES: Final = """
    select role.rolname, kind.relname, word from pg_roles role cross join pg_class kind
    cross join unnest(array['USAGE', 'SELECT', 'UPDATE']) as word
    where kind.relkind = 'S' and role.rolcanlogin and not role.rolsuper and role.rolname <> 'ops'
    and has_sequence_privilege(role.oid, kind.oid, word)
"""


def granted(connection: Any) -> set[tuple[str, str, str]]:
    """(role, what, right) as PostgreSQL itself answers, table by table and column by column."""
    found = {(role, kind, WORDS.get(word, word)) for role, kind, word in connection.execute(RIGHTS_ON_SEQUENCES)}
    for role, kind, namespace, word, columns in connection.execute(RIGHTS_ON_TABLES):
        name = kind if namespace == "public" else f"{namespace}.{kind}"
        cells = (f"{name}({column})" if column else name for column in columns or ())
        found |= {(role, cell, WORDS.get(word, word)) for cell in cells}
    return found


def test_each_process_may_do_in_the_database_what_the_table_says_and_nothing_else(stack: Any) -> None:
    with stack.postgres.connect(database="tocsin") as connection:
        found = granted(connection)
    assert found == stated()


COLUMNS: Final = """
    select case namespace.nspname when 'public' then '' else namespace.nspname || '.' end || kind.relname, attname::text
    from pg_class kind join pg_namespace namespace on namespace.oid = kind.relnamespace
    join pg_attribute on attrelid = kind.oid and attnum > 0 and not attisdropped
    where kind.relkind in ('r', 'p') and namespace.nspname not in ('pg_catalog', 'information_schema')
    and attidentity <> 'a' and attgenerated = ''
"""
"""(table, column) of all that a statement can name a value for."""
ON_COLUMNS: Final = {
    "read": "select {column} from {table} limit 0",
    "add": "insert into {table} ({column}) select null where false",
    "edit": "update {table} set {column} = default where false",
}
ON_TABLES: Final = (
    "delete from {table} where false",
    "truncate {table}",
    "drop table {table}",
    "alter table {table} add planted integer",
    "create trigger planted before update on {table} execute function suppress_redundant_updates_trigger()",
)
"""What no process may do to any table; an erasure goes through the one function that is asked for below."""
BEYOND: Final = (
    "create table planted ()",
    "create schema planted",
    "set role ops",
    "set session authorization postgres",
    "set session_replication_role = replica",
    "select pg_read_file('PG_VERSION')",
    "select pg_switch_wal()",
    "copy (select 1) to program 'true'",
)


def denied(connection: Any, statement: str) -> bool:
    """Whether the database refuses it for want of a right; what it lets through changes nothing."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("role", ["triage", "returns"])
def test_what_a_process_tries_on_each_column_of_each_table_is_let_through_or_refused_as_the_table_says(
    stack: Any, role: str
) -> None:
    mine = {(thing, right) for owner, thing, right in stated() if owner == role}
    with stack.postgres.connect(database="tocsin") as connection:
        columns = connection.execute(COLUMNS).fetchall()
    assert {thing.partition("(")[0] for thing, _ in mine} - {"claim_numbers"} < {table for table, _ in columns}
    with stack.postgres.connect(role, "tocsin") as connection:
        for table, column in columns:
            for right, statement in ON_COLUMNS.items():
                words = statement.format(table=table, column=f'"{column}"')
                may = {(table, right), (f"{table}({column})", right)} & mine
                assert denied(connection, words) is not bool(may), f"{role}: {words}"


@pytest.mark.parametrize("role", ["triage", "returns"])
def test_no_process_deletes_empties_or_changes_a_table_or_goes_beyond_its_role(stack: Any, role: str) -> None:
    with stack.postgres.connect(database="tocsin") as connection:
        tables = sorted({table for table, _ in connection.execute(COLUMNS).fetchall()})
    statements = (*(words.format(table=table) for table in tables for words in ON_TABLES), *BEYOND)
    with stack.postgres.connect(role, "tocsin") as connection:
        assert [words for words in statements if not denied(connection, words)] == []


def test_of_the_functions_that_do_more_than_their_caller_may_one_opens_to_one_process(stack: Any) -> None:
    with stack.postgres.connect(database="tocsin") as connection:
        found = connection.execute(
            "select role.rolname, code.proname from pg_roles role cross join pg_proc code where rolcanlogin "
            "and not rolsuper and role.rolname <> 'ops' and prosecdef "
            "and has_function_privilege(role.oid, code.oid, 'EXECUTE')"
        ).fetchall()
    assert found == [("returns", "erase_past")]


def test_no_process_is_more_than_its_role_and_each_database_opens_to_its_own(stack: Any) -> None:
    with stack.postgres.connect() as connection:
        above = connection.execute(
            "select rolname from pg_roles where rolcanlogin and rolname <> 'postgres' and (rolsuper or rolcreaterole "
            "or rolcreatedb or rolreplication or rolbypassrls)"
        ).fetchall()
        memberships = connection.execute(
            "select roleid::regrole::text, member::regrole::text from pg_auth_members "
            "where member::regrole::text not like 'pg_%'"
        ).fetchall()
        doors = connection.execute(
            "select role.rolname, base.datname from pg_roles role cross join pg_database base where rolcanlogin "
            "and not rolsuper and datallowconn and has_database_privilege(role.oid, base.oid, 'CONNECT')"
        ).fetchall()
    assert (above, memberships) == ([], [("pg_checkpoint", "ops")]), "so that what is erased leaves the disk at once"
    assert set(doors) == {*((role, "tocsin") for role in ("ops", "triage", "returns")), ("registry", "registry")}


@pytest.mark.parametrize(("role", "database"), [("registry", "tocsin"), ("triage", "registry"), ("ops", "postgres")])
def test_a_database_of_others_refuses_a_role_that_tries_it(stack: Any, role: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        stack.postgres.connect(role, database)
