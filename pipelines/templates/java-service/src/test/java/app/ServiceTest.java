package app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ServiceTest {
    @Test
    void thePageGreetsWithTheTitleOfTheApp() {
        assertEquals(200, Service.answer("GET", "/").status());
        assertTrue(Service.answer("GET", "/").text().contains(Service.TITLE));
    }

    @Test
    void kubernetesFindsTheProbes() {
        assertEquals(200, Service.answer("GET", "/livez").status());
        assertEquals(200, Service.answer("GET", "/readyz").status());
    }

    @Test
    void anythingElseIsRefused() {
        assertEquals(404, Service.answer("GET", "/nowhere").status());
        assertEquals(405, Service.answer("POST", "/").status());
    }
}
