"""Code lists: complete, consistent, and tolerant of how others write."""

import pytest

from schemas.vocabularies import vocabulary, vocabulary_names


@pytest.mark.parametrize("name", vocabulary_names())
def test_every_list_says_what_it_is_where_it_comes_from_and_maps_only_to_its_own_codes(name: str) -> None:
    found = vocabulary(name)
    assert found.doc
    assert found.source
    for aliases in found.aliases.values():
        assert set(aliases.values()) <= set(found.codes)


@pytest.mark.parametrize(
    ("name", "written", "scheme", "code"),
    [
        ("country", "uk", "", "GB"),
        ("country", "EL", "", "GR"),
        ("country", " nl ", "", "NL"),
        ("age_band", "3", "iccam", "prepubescent"),
        ("action_reason", "18", "iccam", "virtual_material"),
        ("incident_type", "Online Enticement of Children for Sexual Acts", "ncmec", "grooming"),
        ("annotation", "generativeAi", "ncmec", "generative_ai"),
        ("hash_algorithm", "SHA-256", "", "sha256"),
        ("tlp", "TLP:AMBER+STRICT", "", "AMBER+STRICT"),
        ("sector", "police", "", "lea"),
    ],
)
def test_others_spellings_find_our_code(name: str, written: str, scheme: str, code: str) -> None:
    assert vocabulary(name).code_of(written, scheme) == code


def test_an_unknown_word_is_kept_as_it_was_written() -> None:
    assert vocabulary("site_type").code_of("Dark Market") == "Dark Market"
    assert not vocabulary("site_type").is_known("Dark Market")


def test_a_number_means_nothing_without_its_scheme() -> None:
    assert vocabulary("age_band").code_of("3") == "3"


def test_iccam_lists_are_complete() -> None:
    assert len(vocabulary("action_reason").codes) == 21
    assert len(vocabulary("site_type").codes) == 14
    assert len(vocabulary("country").codes) == 250  # ISO 3166 and XK


def test_every_labelling_scheme_with_public_labels_has_its_list() -> None:
    schemes = set(vocabulary("label_scheme").codes)
    lists = {name.removeprefix("labels_") for name in vocabulary_names() if name.startswith("labels_")}
    assert lists == schemes - {"ucs", "annotation", "incident_type"}
